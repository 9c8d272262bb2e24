// SPDX-License-Identifier: GPL-2.0-only
/* BTF (Documentation/bpf/btf.rst): written for the functions of our programs, read of the kernel's own. */
#include <linux/btf.h>

/* BTF of functions, in native byte order. */
struct btf_builder {
	uint32_t types[4096];
	char strings[8192];
	int words, chars, count;
};

static int btf_string(struct btf_builder *b, const char *s)
{
	int at = b->chars;
	if (at + strlen(s) + 1 > sizeof b->strings)
		return 0;
	strcpy(b->strings + at, s);
	b->chars += strlen(s) + 1;
	return at;
}

/* Adds a type of 3 words and what follows them; returns its id. */
static int btf_type(struct btf_builder *b, int name, uint32_t info, uint32_t size, int more, const uint32_t *words)
{
	if (b->words + 3 + more > (int)(sizeof b->types / 4))
		return 0;
	b->types[b->words++] = name, b->types[b->words++] = info, b->types[b->words++] = size;
	for (int i = 0; i < more; i++)
		b->types[b->words++] = words[i];
	return ++b->count;
}

enum { BTF_INT_TYPE = 1, BTF_SKB, BTF_SKB_POINTER, BTF_U64 };

static void btf_start(struct btf_builder *b)
{
	memset(b, 0, sizeof *b);
	b->chars = 1;
	btf_type(b, btf_string(b, "int"), BTF_KIND_INT << 24, 4, 1, (uint32_t[]){ BTF_INT_SIGNED << 24 | 32 });
	int len = btf_string(b, "len");
	btf_type(b, btf_string(b, "__sk_buff"), BTF_KIND_STRUCT << 24 | 1, 4, 3, (uint32_t[]){ len, BTF_INT_TYPE, 0 });
	btf_type(b, 0, BTF_KIND_PTR << 24, BTF_SKB, 0, NULL);
	btf_type(b, btf_string(b, "u64"), BTF_KIND_INT << 24, 8, 1, (uint32_t[]){ 64 });
}

/* int name(struct __sk_buff *) with nargs -1, else int name(u64, ...); returns its id. */
static int btf_function(struct btf_builder *b, const char *name, int nargs)
{
	uint32_t params[2 * 16] = { 0 };
	int n = nargs < 0 ? 1 : nargs > 16 ? 16 : nargs;
	for (int i = 0; i < n; i++) {
		char argument[] = { 'a', 'a' + i, 0 };
		params[2 * i] = btf_string(b, argument);
		params[2 * i + 1] = nargs < 0 ? BTF_SKB_POINTER : BTF_U64;
	}
	int proto = btf_type(b, 0, BTF_KIND_FUNC_PROTO << 24 | n, BTF_INT_TYPE, 2 * n, params);
	return btf_type(b, btf_string(b, name), BTF_KIND_FUNC << 24, proto, 0, NULL);
}

static void *btf_finish(struct btf_builder *b, uint32_t *size)
{
	struct btf_header h = { .magic = BTF_MAGIC, .version = 1, .hdr_len = sizeof h };
	h.type_len = 4 * b->words, h.str_off = h.type_len, h.str_len = b->chars;
	*size = sizeof h + h.type_len + h.str_len;
	char *all = malloc(*size);
	memcpy(all, &h, sizeof h);
	memcpy(all + sizeof h, b->types, h.type_len);
	memcpy(all + sizeof h + h.type_len, b->strings, h.str_len);
	return all;
}

/* The kernel's. */
static uint32_t **kernel_types;
static uint32_t kernel_count;
static const char *kernel_strings;

#define KIND(type) (((type)[1] >> 24) & 31)
#define VLEN(type) ((type)[1] & 0xffff)

/* Words behind a type's first three. */
static int btf_more(const uint32_t *type)
{
	switch (KIND(type)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 1;
	case BTF_KIND_ARRAY:
		return 3;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return 3 * VLEN(type);
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return 2 * VLEN(type);
	}
	return 0;
}

static void kernel_btf(void)
{
	enum { MOST = 64 << 20 };
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY);
	char *all = malloc(MOST);
	size_t size = 0;
	ssize_t n;
	while (fd >= 0 && size < MOST && (n = read(fd, all + size, MOST - size)) > 0)
		size += n;
	struct btf_header *h = (struct btf_header *)all;
	if (size < sizeof *h || h->magic != BTF_MAGIC)
		return;
	kernel_strings = all + h->hdr_len + h->str_off;
	uint32_t *type = (uint32_t *)(all + h->hdr_len + h->type_off), *end = type + h->type_len / 4;
	kernel_types = calloc(h->type_len / 12 + 2, sizeof *kernel_types);
	for (kernel_count = 1; type < end; type += 3 + btf_more(type))
		kernel_types[kernel_count++] = type;
}

/* Id of a type by name and kind; 0: there is none. */
static uint32_t kernel_type(const char *name, unsigned kind)
{
	for (uint32_t i = 1; i < kernel_count; i++)
		if (KIND(kernel_types[i]) == kind && !strcmp(kernel_strings + kernel_types[i][0], name))
			return i;
	return 0;
}

/* Calls `take` with each member, those of members without a name too; offsets in bits. */
static void members(uint32_t id, uint32_t base, void (*take)(const char *name, uint32_t offset, uint32_t bits))
{
	uint32_t *type = kernel_types[id];
	while (KIND(type) >= BTF_KIND_TYPEDEF && KIND(type) <= BTF_KIND_RESTRICT)
		type = kernel_types[type[2]];
	if (KIND(type) != BTF_KIND_STRUCT && KIND(type) != BTF_KIND_UNION)
		return;
	int fields = type[1] >> 31;
	for (unsigned i = 0; i < VLEN(type); i++) {
		uint32_t *m = type + 3 + 3 * i, offset = base + (fields ? m[2] & 0xffffff : m[2]);
		const char *name = kernel_strings + m[0];
		if (*name)
			take(name, offset, fields ? m[2] >> 24 : 0);
		else
			members(m[1], offset, take);
	}
}
