// SPDX-License-Identifier: GPL-2.0-only
/* What the guest tells of the kernel that it runs on: layouts of structs, symbols, files of /proc and /sys. */

static const char *STRUCTS[] = { "bpf_map", "bpf_array", "bpf_prog", "bpf_prog_aux", "sk_buff", "xdp_buff", "xdp_rxq_info",
	"xdp_md", "bpf_htab", "htab_elem", "bpf_tramp_image", "bpf_tramp_run_ctx", "bpf_skb_data_end", "qdisc_skb_cb", "net_device",
	"pcpu_hot", "thread_info", "bpf_insn", "bpf_array_aux", "bpf_jit_poke_descriptor", "sock_common", "bpf_timed_may_goto" };

static int first_member;
static void show_member(const char *name, uint32_t offset, uint32_t bits)
{
	printf("%s\"%s\":", first_member ? "" : ",", name), first_member = 0;
	if (bits || offset % 8)
		printf("\"bit%u:%u\"", offset, bits);
	else
		printf("%u", offset / 8);
}

static void show_structs(void)
{
	int shown = 0;
	printf("@@ {\"ev\":\"btf\",\"structs\":{");
	for (unsigned i = 0; i < sizeof STRUCTS / sizeof *STRUCTS; i++) {
		uint32_t id = kernel_type(STRUCTS[i], BTF_KIND_STRUCT);
		if (!id)
			continue;
		printf("%s\"%s\":{\"size\":%u,\"members\":{", shown++ ? "," : "", STRUCTS[i], kernel_types[id][2]);
		first_member = 1;
		members(id, 0, show_member);
		printf("}}");
	}
	printf("}}\n");
}

static void show_file(const char *key, const char *path)
{
	static char content[1 << 16];
	int fd = open(path, O_RDONLY);
	ssize_t size = fd < 0 ? 0 : read(fd, content, sizeof content - 1);
	content[size > 0 ? size : 0] = 0;
	char *blank = strstr(content, "\n\n"); /* of /proc/cpuinfo the first CPU */
	if (blank)
		*blank = 0;
	printf(",\"%s\":", key);
	text(content);
	close(fd);
}

static void put(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);
	if (fd >= 0 && write(fd, value, strlen(value)) < 0)
		printf("@@ {\"ev\":\"refused\",\"path\":\"%s\"}\n", path);
	close(fd);
}

/* Symbols that machine code of BPF may refer to: all others are noise, and the console is slow. */
static void show_symbols(void)
{
	static const char *PARTS[] = { "bpf", "thunk", "htab", "array_map", "jiffies", "per_cpu", "this_cpu_off", "cpu_number",
		"current_task", "pcpu_hot", "call_depth", "clear_bhb", "memcpy", "_text", "migrate_" };
	FILE *file = fopen("/proc/kallsyms", "r");
	char *text = NULL;
	size_t size = 0;
	while (file && getline(&text, &size, file) > 0) {
		char address[32], type[8], name[512], module[64];
		if (sscanf(text, "%31s %7s %511s %63s", address, type, name, module) != 3 || !strncmp(name, "__pfx_", 6))
			continue;
		for (unsigned i = 0; i < sizeof PARTS / sizeof *PARTS; i++)
			if (strstr(name, PARTS[i])) {
				printf("@S %s %s\n", address, name);
				break;
			}
	}
}
