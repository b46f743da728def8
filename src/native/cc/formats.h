#pragma once
#include <cstdint>
#include <string_view>

namespace dq {

/// The formats that a table of states cannot tell, because they count: the rest are patterns (registry/native-program/formats.ts).
enum class Format : uint8_t { date, time, dateTime };

/// False for a name that is not one of them.
bool formatNamed(std::string_view name, Format &format);

/// Whether `text`, well-formed UTF-8, is in the format as ajv-formats 3.0.1 in its mode "full" means it: equal to it, not to the RFC.
bool inFormat(Format format, std::string_view text);

} // namespace dq
