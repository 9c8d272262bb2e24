// SPDX-License-Identifier: GPL-2.0-only
/*
 * /init of the guest: process 1, static, nothing else runs. Reads /programs.txt, loads each set of programs through bpf(2), shows what the
 * kernel's JIT made of it, runs it, and powers off. All that it finds goes to the console, a JSON object a line, each behind "@@ ".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "btf.h"
#include "programs.h"

enum { LOG_SIZE = 1 << 20, IMAGE_SIZE = 1 << 20, PACKET_SIZE = 4096, RAW_TP_WORDS = 12, MAX_INSNS = 65536 };
#define LD_IMM64 0x18

static char log_text[LOG_SIZE];

static uint64_t pointer(const void *p) { return (uint64_t)(uintptr_t)p; }
static int bpf(int command, union bpf_attr *attr) { return syscall(__NR_bpf, command, attr, sizeof *attr); }

static void hex(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	for (size_t i = 0; i < size; i++)
		printf("%02x", bytes[i]);
}

static void text(const char *s)
{
	putchar('"');
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if (*s == '\n')
			printf("\\n");
		else
			putchar(*s < 32 ? ' ' : *s > 126 ? '?' : *s);
	putchar('"');
}

static void begin(const char *event) { printf("@@ {\"set\":\"%s\",\"ev\":\"%s\"", set_name, event); }

static void create_maps(void)
{
	begin("maps");
	printf(",\"maps\":{");
	for (int i = 0; i < n_maps; i++) {
		struct map *m = &maps[i];
		union bpf_attr a = { 0 };
		struct bpf_map_info info = { 0 };
		a.map_type = m->type, a.key_size = m->key, a.value_size = m->value, a.max_entries = m->max;
		m->fd = bpf(BPF_MAP_CREATE, &a);
		memset(&a, 0, sizeof a);
		a.info.bpf_fd = m->fd, a.info.info_len = sizeof info, a.info.info = pointer(&info);
		m->id = m->fd >= 0 && !bpf(BPF_OBJ_GET_INFO_BY_FD, &a) ? info.id : 0;
		printf("%s\"%s\":%u", i ? "," : "", m->name, m->id);
	}
	printf("}}\n");
}

static void load(struct prog *p)
{
	union bpf_attr a = { 0 };
	struct bpf_func_info info[MAX_FUNCS];
	int btf = -1;
	for (int i = 0; i < p->relocs; i++) {
		struct reloc *r = &p->reloc[i];
		struct map *m = map_named(r->map);
		p->insn[r->insn].imm = m ? m->fd : -1;
		p->insn[r->insn].src_reg = r->value ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
	}
	a.prog_type = p->type, a.insns = pointer(p->insn), a.insn_cnt = p->insns, a.license = pointer("GPL");
	strncpy(a.prog_name, p->name, sizeof a.prog_name - 1);
	if (p->funcs) {
		int type[MAX_FUNCS];
		struct btf_builder b;
		btf_start(&b);
		for (int i = 0; i < p->funcs; i++)
			type[i] = btf_function(&b, p->func[i].name, p->func[i].nargs);
		union bpf_attr load = { 0 };
		load.btf = pointer(btf_finish(&b, &load.btf_size));
		btf = bpf(BPF_BTF_LOAD, &load);
		for (int i = 0; i < p->funcs; i++)
			info[i] = (struct bpf_func_info){ .insn_off = p->func[i].insn, .type_id = type[i] };
		a.prog_btf_fd = btf, a.func_info = pointer(info), a.func_info_cnt = p->funcs, a.func_info_rec_size = sizeof info[0];
	}
	log_text[0] = 0;
	a.log_buf = pointer(log_text), a.log_size = LOG_SIZE, a.log_level = 4;
	p->fd = p->missing ? -1 : bpf(BPF_PROG_LOAD, &a);
	int error = p->fd >= 0 ? 0 : p->missing ? ENOENT : errno;
	if (error && !p->missing) {
		log_text[0] = 0, a.log_level = 1;
		bpf(BPF_PROG_LOAD, &a);
	}
	begin("load");
	printf(",\"prog\":\"%s\",\"errno\":%d", p->name, error);
	const char *depth = error ? NULL : strstr(log_text, "stack depth ");
	if (depth) {
		int length = strspn(depth + 12, "0123456789+");
		printf(",\"stack_depth\":\"%.*s\"", length, depth + 12);
	}
	if (error) {
		size_t length = strlen(log_text);
		printf(",\"log\":");
		text(log_text + (length > 400 ? length - 400 : 0));
	}
	printf("}\n");
	if (btf >= 0)
		close(btf);
}

/* The kernel's machine code of a program, and with `xlated` its BPF behind the verifier. */
static void show(struct prog *p, const char *when, int xlated)
{
	static uint8_t image[IMAGE_SIZE];
	static struct bpf_insn insn[MAX_INSNS];
	uint64_t address[MAX_FUNCS];
	uint32_t length[MAX_FUNCS];
	struct bpf_prog_info info = { 0 };
	union bpf_attr a = { 0 };
	if (p->fd < 0)
		return;
	info.jited_prog_len = sizeof image, info.jited_prog_insns = pointer(image);
	if (xlated)
		info.xlated_prog_len = sizeof insn, info.xlated_prog_insns = pointer(insn);
	info.nr_jited_ksyms = MAX_FUNCS, info.jited_ksyms = pointer(address);
	info.nr_jited_func_lens = MAX_FUNCS, info.jited_func_lens = pointer(length);
	a.info.bpf_fd = p->fd, a.info.info_len = sizeof info, a.info.info = pointer(&info);
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &a))
		return;
	begin("image");
	printf(",\"prog\":\"%s\",\"when\":\"%s\",\"jited_len\":%u,\"funcs\":[", p->name, when, info.jited_prog_len);
	for (uint32_t i = 0, at = 0; i < info.nr_jited_func_lens && i < MAX_FUNCS; at += length[i++]) {
		printf("%s{\"addr\":\"%llx\",\"hex\":\"", i ? "," : "", (unsigned long long)address[i]);
		hex(image + at, at + length[i] <= sizeof image ? length[i] : 0);
		printf("\"}");
	}
	printf("]");
	if (xlated) {
		printf(",\"xlated\":\"");
		hex(insn, info.xlated_prog_len <= sizeof insn ? info.xlated_prog_len : 0);
		printf("\"");
	}
	printf("}\n");
}

/* A privileged program may keep pointers in a map: one that stores the addresses of all the others. */
static void show_addresses(void)
{
	struct bpf_insn x[8 * MAX_MAPS + 8] = { 0 };
	uint64_t found[2 * MAX_MAPS] = { 0 };
	uint8_t packet[64] = { 0 }, back[256];
	union bpf_attr a = { 0 };
	uint32_t key = 0;
	int n = 0;
	a.map_type = BPF_MAP_TYPE_ARRAY, a.key_size = 4, a.value_size = sizeof found, a.max_entries = 1;
	int store = bpf(BPF_MAP_CREATE, &a);
	x[n] = (struct bpf_insn){ .code = LD_IMM64, .dst_reg = 2, .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = store }, n += 2;
	for (int i = 0; i < n_maps; i++)
		for (int value = 0; value < (maps[i].type == BPF_MAP_TYPE_ARRAY && maps[i].max == 1 ? 2 : 1); value++) {
			int pseudo = value ? BPF_PSEUDO_MAP_VALUE : BPF_PSEUDO_MAP_FD;
			x[n] = (struct bpf_insn){ .code = LD_IMM64, .dst_reg = 1, .src_reg = pseudo, .imm = maps[i].fd }, n += 2;
			x[n++] = (struct bpf_insn){ .code = 0x7b, .dst_reg = 2, .src_reg = 1, .off = 16 * i + 8 * value };
		}
	x[n++] = (struct bpf_insn){ .code = 0xb7 };
	x[n++] = (struct bpf_insn){ .code = 0x95 };
	memset(&a, 0, sizeof a);
	/* a prog array belongs to programs of one type */
	a.prog_type = progs[0].type, a.insns = pointer(x), a.insn_cnt = n, a.license = pointer("GPL");
	int fd = bpf(BPF_PROG_LOAD, &a);
	memset(&a, 0, sizeof a);
	a.test.prog_fd = fd;
	if (progs[0].type == BPF_PROG_TYPE_RAW_TRACEPOINT)
		a.test.ctx_in = pointer(packet), a.test.ctx_size_in = sizeof packet;
	else
		a.test.data_in = pointer(packet), a.test.data_size_in = sizeof packet, a.test.data_out = pointer(back),
		a.test.data_size_out = sizeof back, a.test.repeat = 1;
	if (fd >= 0 && !bpf(BPF_PROG_TEST_RUN, &a)) {
		memset(&a, 0, sizeof a);
		a.map_fd = store, a.key = pointer(&key), a.value = pointer(found);
		bpf(BPF_MAP_LOOKUP_ELEM, &a);
		begin("addresses");
		printf(",\"maps\":{");
		for (int i = 0; i < n_maps; i++) {
			printf("%s\"%s\":{\"addr\":\"%llx\"", i ? "," : "", maps[i].name, (unsigned long long)found[2 * i]);
			if (found[2 * i + 1])
				printf(",\"value\":\"%llx\"", (unsigned long long)found[2 * i + 1]);
			printf("}");
		}
		printf("}}\n");
	}
	close(fd);
	close(store);
}

static void fill_slots(void)
{
	for (int i = 0; i < n_slots; i++) {
		struct map *m = map_named(slots[i].map);
		struct prog *p = prog_named(slots[i].prog);
		uint32_t key = slots[i].index, value = p ? p->fd : -1;
		union bpf_attr a = { 0 };
		a.map_fd = m ? m->fd : -1, a.key = pointer(&key), a.value = pointer(&value);
		if (bpf(BPF_MAP_UPDATE_ELEM, &a)) {
			begin("slot");
			printf(",\"i\":%d,\"errno\":%d}\n", i, errno);
		}
	}
}

/* Elements of every map but prog arrays; what is zero in an array is left out. */
static void show_maps(void)
{
	static uint8_t value[1 << 17];
	int shown = 0;
	for (int i = 0; i < n_maps; i++) {
		struct map *m = &maps[i];
		uint8_t key[512], next[512];
		int first = 1, hash = m->type == BPF_MAP_TYPE_HASH || m->type == BPF_MAP_TYPE_PERCPU_HASH;
		if (m->type == BPF_MAP_TYPE_PROG_ARRAY || m->fd < 0)
			continue;
		printf("%s\"%s\":{", shown++ ? "," : "", m->name);
		for (int more = 0, count = 0; count < 64; count++) {
			union bpf_attr a = { 0 };
			a.map_fd = m->fd, a.key = more ? pointer(key) : 0, a.next_key = pointer(next);
			if (bpf(BPF_MAP_GET_NEXT_KEY, &a))
				break;
			memcpy(key, next, sizeof key), more = 1;
			memset(value, 0, sizeof value);
			memset(&a, 0, sizeof a);
			a.map_fd = m->fd, a.key = pointer(key), a.value = pointer(value);
			if (bpf(BPF_MAP_LOOKUP_ELEM, &a))
				continue;
			uint64_t number = 0, hashed = 0xcbf29ce484222325;
			int zero = 1;
			memcpy(&number, key, m->key < 8 ? m->key : 8);
			for (int k = 0; k < m->value; k++)
				zero &= !value[k], hashed = (hashed ^ value[k]) * 0x100000001b3;
			if (zero && !hash)
				continue;
			printf("%s\"%llu\":\"", first ? "" : ",", (unsigned long long)number), first = 0;
			if (m->value > 512)
				printf("fnv1a64:%016llx", (unsigned long long)hashed);
			else
				hex(value, m->value);
			printf("\"");
		}
		printf("}");
	}
}

static void run(struct step *s)
{
	static uint8_t in[PACKET_SIZE], back[2 * PACKET_SIZE];
	uint64_t words[RAW_TP_WORDS];
	struct prog *p = prog_named(s->name);
	union bpf_attr a = { 0 };
	if (!s->run) {
		static uint8_t value[1 << 17];
		uint32_t key = s->index;
		struct map *m = map_named(s->name);
		memset(value, 0, sizeof value);
		memcpy(value, s->bytes, s->length);
		a.map_fd = m ? m->fd : -1, a.key = pointer(&key), a.value = pointer(value);
		bpf(BPF_MAP_UPDATE_ELEM, &a);
		return;
	}
	for (int i = 0; i < PACKET_SIZE; i++)
		in[i] = i;
	for (int i = 0; i < RAW_TP_WORDS; i++)
		words[i] = 0x1111111111111111ull * (i + 1);
	a.test.prog_fd = p ? p->fd : -1;
	int raw = p && p->type == BPF_PROG_TYPE_RAW_TRACEPOINT;
	if (raw)
		a.test.ctx_in = pointer(words), a.test.ctx_size_in = sizeof words;
	else
		a.test.data_in = pointer(in), a.test.data_size_in = s->length, a.test.data_out = pointer(back),
		a.test.data_size_out = sizeof back, a.test.repeat = 1;
	int error = bpf(BPF_PROG_TEST_RUN, &a) ? errno : 0;
	begin("run");
	printf(",\"prog\":\"%s\",\"retval\":%u", s->name, a.test.retval);
	if (error)
		printf(",\"errno\":%d", error);
	else if (!raw && ((int)a.test.data_size_out != s->length || memcmp(in, back, s->length))) {
		printf(",\"data_out\":\"");
		hex(back, a.test.data_size_out);
		printf("\"");
	}
	printf(",\"maps\":{");
	show_maps();
	printf("}}\n");
	fflush(stdout);
}

static void do_set(void)
{
	int bad = 0;
	create_maps();
	for (int i = 0; i < n_progs; i++)
		load(&progs[i]), bad |= progs[i].fd < 0;
	for (int i = 0; i < n_progs && !bad; i++)
		show(&progs[i], "loaded", 1);
	if (!bad) {
		fill_slots();
		for (int i = 0; i < n_progs && n_slots; i++)
			show(&progs[i], "final", 0);
		show_addresses();
		fflush(stdout);
		for (int i = 0; i < n_steps; i++)
			run(&steps[i]);
	}
	for (int i = 0; i < n_progs; i++) {
		close(progs[i].fd);
		free(progs[i].insn);
	}
	for (int i = 0; i < n_maps; i++)
		close(maps[i].fd);
	n_maps = n_progs = n_steps = n_slots = 0;
	fflush(stdout);
}

#include "about.h"

int main(void)
{
	struct utsname u;
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	char command_line[4096] = "";
	mkdir("/proc", 0755), mkdir("/sys", 0755), mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL), mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; console >= 0 && fd < 3; fd++)
		dup2(console, fd);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	klogctl(8, NULL, 1);
	setrlimit(RLIMIT_MEMLOCK, &all);
	uname(&u);
	int fd = open("/proc/cmdline", O_RDONLY);
	if (read(fd, command_line, sizeof command_line - 1) < 0)
		command_line[0] = 0;
	put("/proc/sys/net/core/bpf_jit_enable", "1");
	put("/proc/sys/net/core/bpf_jit_kallsyms", "1");
	put("/proc/sys/kernel/kptr_restrict", "0");
	put("/proc/sys/net/core/bpf_jit_harden", strstr(command_line, "capture.harden=2") ? "2" : "0");
	printf("@@ {\"ev\":\"boot\",\"release\":\"%s\",\"version\":\"%s\",\"machine\":\"%s\",\"cmdline\":", u.release, u.version, u.machine);
	text(command_line);
	show_file("jit_enable", "/proc/sys/net/core/bpf_jit_enable");
	show_file("jit_harden", "/proc/sys/net/core/bpf_jit_harden");
	show_file("cpuinfo", "/proc/cpuinfo");
	printf("}\n");
	kernel_btf();
	show_structs();
	show_symbols();
	do_sets();
	printf("@@ {\"ev\":\"done\"}\n");
	fflush(stdout);
	sync();
	usleep(200000);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
