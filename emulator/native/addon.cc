// The N-API side: unpacks arguments, hands callbacks over, holds no state of its own. addon.ts declares these functions.
#include <node_api.h>

#include <cmath>
#include <cstring>

#include "engine.h"

namespace jitproof {
namespace {

// The arguments of a call: (engine, ...). Reading one of the wrong type leaves zero; engine.ts passes the right ones.
struct Arguments {
  napi_env env;
  napi_value value[8] = {};
  size_t count = 8;

  Arguments(napi_env env, napi_callback_info info) : env(env) {
    napi_get_cb_info(env, info, &count, value, nullptr, nullptr);
  }
  Engine** slot() const {
    void* data = nullptr;
    napi_get_value_external(env, value[0], &data);
    return static_cast<Engine**>(data);
  }
  Engine* engine() const { return *slot(); }
  uint64_t u64(int i) const {
    uint64_t v = 0;
    bool lossless;
    napi_get_value_bigint_uint64(env, value[i], &v, &lossless);
    return v;
  }
  double number(int i) const {
    double v = 0;
    napi_get_value_double(env, value[i], &v);
    return v;
  }
  uint32_t u32(int i) const { return static_cast<uint32_t>(number(i)); }
  template <class T>
  T* array(int i, size_t* length) const {
    void* data = nullptr;
    *length = 0;
    napi_typedarray_type type;
    napi_get_typedarray_info(env, value[i], &type, length, &data, nullptr, nullptr);
    return static_cast<T*>(data);
  }
  Records records(int i, uint32_t words) const {
    size_t length;
    uint64_t* data = array<uint64_t>(i, &length);
    return {data, static_cast<uint32_t>(length / words), 0};
  }
};

// Undefined for success, or the reason that becomes an EngineError.
napi_value outcome(napi_env env, const std::string& error) {
  napi_value value = nullptr;
  if (!error.empty()) napi_create_string_utf8(env, error.data(), error.size(), &value);
  return value;
}

napi_value number(napi_env env, double n) {
  napi_value value;
  napi_create_double(env, n, &value);
  return value;
}

// create(block, stopFlag, options): an engine, freed by close() or else by the garbage collector.
napi_value create(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  size_t length;
  uint64_t* block = a.array<uint64_t>(0, &length);
  int32_t* flag = a.array<int32_t>(1, &length);
  static_assert(sizeof(std::atomic<int32_t>) == sizeof(int32_t));
  auto slot = new Engine*(new Engine(block, reinterpret_cast<std::atomic<int32_t>*>(flag), a.u32(2)));
  napi_value external;
  napi_create_external(
      env, slot,
      [](napi_env, void* data, void*) {
        Engine** slot = static_cast<Engine**>(data);
        delete *slot;
        delete slot;
      },
      nullptr, &external);
  return external;
}

napi_value close(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  Engine** slot = a.slot();
  delete *slot;
  *slot = nullptr;
  return nullptr;
}

napi_value map(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  return outcome(env, a.engine()->map(a.u64(1), static_cast<uint64_t>(a.number(2)), a.u32(3)));
}

napi_value protect(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  return outcome(env, a.engine()->protect(a.u64(1), static_cast<uint64_t>(a.number(2)), a.u32(3)));
}

napi_value read(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  size_t size;
  uint8_t* to = a.array<uint8_t>(2, &size);
  return outcome(env, a.engine()->read(a.u64(1), to, size));
}

napi_value write(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  size_t size;
  uint8_t* from = a.array<uint8_t>(2, &size);
  return outcome(env, a.engine()->write(a.u64(1), from, size));
}

napi_value mark(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  size_t count;
  uint32_t* marks = a.array<uint32_t>(2, &count);
  return outcome(env, a.engine()->mark(a.u64(1), marks, count));
}

napi_value guardStack(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  return outcome(env, a.engine()->guardStack(a.u64(1), a.u64(2)));
}

napi_value watch(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  a.engine()->watch(a.u32(1), a.u32(2), static_cast<uint64_t>(a.number(3)));
  return nullptr;
}

napi_value hits(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  return number(env, static_cast<double>(a.engine()->hits(a.u32(1))));
}

napi_value resetHits(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  a.engine()->resetHits();
  return nullptr;
}

// setRecords(engine, events, steps, accesses): where records go; undefined for none.
napi_value setRecords(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  a.engine()->events = a.records(1, kEventWords);
  a.engine()->steps = a.records(2, kStepWords);
  a.engine()->accesses = a.records(3, kAccessWords);
  return nullptr;
}

struct Caller final : Host {
  napi_env env;
  napi_value function;

  Answer call(Callback what, uint32_t argument) override {
    napi_handle_scope scope;
    if (napi_open_handle_scope(env, &scope) != napi_ok) return Answer::kThrew;
    napi_value receiver, result, arguments[2];
    napi_get_undefined(env, &receiver);
    napi_create_uint32(env, static_cast<uint32_t>(what), &arguments[0]);
    napi_create_uint32(env, argument, &arguments[1]);
    // An exception stays pending and leaves run() as if thrown there.
    Answer answer = Answer::kThrew;
    if (napi_call_function(env, receiver, function, 2, arguments, &result) == napi_ok) {
      bool stop = false;
      napi_get_value_bool(env, result, &stop);
      answer = stop ? Answer::kStop : Answer::kGoOn;
    }
    napi_close_handle_scope(env, scope);
    return answer;
  }
};

// run(engine, until, budget, traced, callback): the stop is in the block.
napi_value run(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  Caller caller;
  caller.env = env;
  caller.function = a.value[4];
  std::string error;
  if (a.engine()->run(a.u64(1), static_cast<uint64_t>(a.number(2)), a.u32(3) != 0, &caller, &error)) return nullptr;
  return outcome(env, error);
}

napi_value snapshot(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  size_t bytes, length;
  const uint32_t id = a.engine()->snapshot(&bytes);
  double* out = a.array<double>(1, &length);
  *out = static_cast<double>(bytes);
  return number(env, id);
}

napi_value restore(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  return outcome(env, a.engine()->restore(a.u32(1)));
}

napi_value drop(napi_env env, napi_callback_info info) {
  Arguments a(env, info);
  a.engine()->drop(a.u32(1));
  return nullptr;
}

napi_value describe(napi_env env, napi_callback_info) {
  return outcome(env, Engine::describe());
}

}  // namespace
}  // namespace jitproof

NAPI_MODULE_INIT() {
  using namespace jitproof;
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"create", create}, {"close", close},           {"map", map},     {"protect", protect},
      {"read", read},     {"write", write},           {"mark", mark},   {"guardStack", guardStack},
      {"watch", watch},   {"hits", hits},             {"run", run},     {"resetHits", resetHits},
      {"drop", drop},     {"setRecords", setRecords}, {"restore", restore}, {"snapshot", snapshot},
      {"describe", describe},
  };
  for (const auto& entry : functions) {
    napi_value function;
    napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.function, nullptr, &function);
    napi_set_named_property(env, exports, entry.name, function);
  }
  return exports;
}
