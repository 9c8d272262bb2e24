// printf into a std::string: the reasons that become an EngineError's message.
#pragma once
#include <cstdarg>
#include <cstdio>
#include <string>

namespace jitproof {

__attribute__((format(printf, 1, 2))) inline std::string text(const char* format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  return line;
}

}  // namespace jitproof
