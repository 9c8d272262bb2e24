// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of programs, and how they are written.
 *
 * programs.txt: words by lines, in this order within a set
 *   set NAME
 *   map NAME TYPE KEY_SIZE VALUE_SIZE MAX_ENTRIES      type as in enum bpf_map_type
 *   prog NAME TYPE HEX                                 type as in enum bpf_prog_type; instructions of 8 bytes
 *   reloc INSN map|value MAP                           of the program before; value: byte imm of the second slot of the value
 *   kfunc INSN NAME                                    the call's imm becomes the function's BTF id
 *   field INSN STRUCT MEMBER                           the instruction's off becomes the member's offset
 *   func NAME INSN NARGS                               BTF func_info; NARGS -1: int f(struct __sk_buff *), else so many u64
 *   slot MAP INDEX PROG                                prog_array entry, written when all programs are loaded
 *   init MAP INDEX HEX                                 array element, written in front of the run behind it
 *   run PROG LENGTH                                    BPF_PROG_TEST_RUN with a packet of that many bytes
 *   end                                                do it all
 */
enum { MAX_MAPS = 16, MAX_PROGS = 16, MAX_FUNCS = 64, MAX_STEPS = 256, MAX_RELOCS = 1024 };

struct map {
	char name[64];
	int type, key, value, max, fd;
	unsigned id;
};

struct reloc {
	int insn, value;
	char map[64];
};

struct prog {
	char name[64];
	int type, insns, fd, relocs, funcs, missing;
	struct bpf_insn *insn;
	struct reloc reloc[MAX_RELOCS];
	struct { char name[64]; int insn, nargs; } func[MAX_FUNCS];
};

struct step {
	int run, index, length;
	char name[64];
	uint8_t bytes[1024];
};

static char set_name[128];
static struct map maps[MAX_MAPS];
static struct prog progs[MAX_PROGS];
static struct step steps[MAX_STEPS];
static struct { char map[64], prog[64]; int index; } slots[MAX_STEPS];
static int n_maps, n_progs, n_steps, n_slots;

static int unhex(const char *digits, uint8_t *bytes, int most)
{
	int n = strlen(digits) / 2;
	if (n > most)
		n = most;
	for (int i = 0; i < n; i++) {
		unsigned byte = 0;
		sscanf(digits + 2 * i, "%2x", &byte);
		bytes[i] = byte;
	}
	return n;
}

static struct map *map_named(const char *name)
{
	for (int i = 0; i < n_maps; i++)
		if (!strcmp(maps[i].name, name))
			return &maps[i];
	return NULL;
}

static struct prog *prog_named(const char *name)
{
	for (int i = 0; i < n_progs; i++)
		if (!strcmp(progs[i].name, name))
			return &progs[i];
	return NULL;
}

/* The set is complete. */
static void do_set(void);

static const char *wanted_member;
static int member_offset;
static void find_member(const char *name, uint32_t offset, uint32_t bits)
{
	if (!bits && !strcmp(name, wanted_member))
		member_offset = offset / 8;
}

#define IS(word) (!strcmp(w[0], word))
#define NUMBER(i) atoi(w[i])
#define COPY(to, i) snprintf(to, sizeof(to), "%s", w[i])

static void line(char *w[])
{
	struct prog *p = n_progs ? &progs[n_progs - 1] : NULL;
	if (IS("set"))
		COPY(set_name, 1);
	else if (IS("map") && n_maps < MAX_MAPS) {
		struct map *m = &maps[n_maps++];
		COPY(m->name, 1);
		m->type = NUMBER(2), m->key = NUMBER(3), m->value = NUMBER(4), m->max = NUMBER(5);
	} else if (IS("prog") && n_progs < MAX_PROGS) {
		p = &progs[n_progs++];
		memset(p, 0, sizeof *p);
		COPY(p->name, 1);
		p->type = NUMBER(2), p->fd = -1;
		p->insn = calloc(strlen(w[3]) / 16 + 1, 8);
		p->insns = unhex(w[3], (uint8_t *)p->insn, strlen(w[3]) / 2) / 8;
	} else if (IS("reloc") && p && p->relocs < MAX_RELOCS) {
		struct reloc *r = &p->reloc[p->relocs++];
		r->insn = NUMBER(1), r->value = !strcmp(w[2], "value");
		COPY(r->map, 3);
	} else if (IS("kfunc") && p) {
		uint32_t id = kernel_type(w[2], BTF_KIND_FUNC);
		p->insn[NUMBER(1)].imm = id, p->missing |= !id;
	} else if (IS("field") && p) {
		uint32_t id = kernel_type(w[2], BTF_KIND_STRUCT);
		wanted_member = w[3], member_offset = -1;
		if (id)
			members(id, 0, find_member);
		p->insn[NUMBER(1)].off = member_offset, p->missing |= member_offset < 0;
	} else if (IS("func") && p && p->funcs < MAX_FUNCS) {
		COPY(p->func[p->funcs].name, 1);
		p->func[p->funcs].insn = NUMBER(2), p->func[p->funcs++].nargs = NUMBER(3);
	} else if (IS("slot") && n_slots < MAX_STEPS) {
		COPY(slots[n_slots].map, 1);
		COPY(slots[n_slots].prog, 3);
		slots[n_slots++].index = NUMBER(2);
	} else if ((IS("init") || IS("run")) && n_steps < MAX_STEPS) {
		struct step *s = &steps[n_steps++];
		COPY(s->name, 1);
		s->run = IS("run"), s->index = s->run ? 0 : NUMBER(2);
		s->length = s->run ? NUMBER(2) : unhex(w[3], s->bytes, sizeof s->bytes);
	} else if (IS("end"))
		do_set();
}

static void do_sets(void)
{
	FILE *file = fopen("/programs.txt", "r");
	char *text = NULL;
	size_t size = 0;
	while (file && getline(&text, &size, file) > 0) {
		char *w[8] = { "", "", "", "", "", "", "", "" };
		int n = 0;
		for (char *word = strtok(text, " \n"); word && n < 8; word = strtok(NULL, " \n"))
			w[n++] = word;
		line(w);
	}
}
