#include "formats.h"
#include <cstddef>

namespace dq {

namespace {

bool isDigit(char character) { return character >= '0' && character <= '9'; }

/// Takes two digits off the front.
bool takeTwo(std::string_view &text, int &value) {
  if (text.size() < 2 || !isDigit(text[0]) || !isDigit(text[1])) return false;
  value = (text[0] - '0') * 10 + (text[1] - '0');
  text.remove_prefix(2);
  return true;
}

bool take(std::string_view &text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

bool isDate(std::string_view text) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int century = 0, yearOfCentury = 0, month = 0, day = 0;
  if (!takeTwo(text, century) || !takeTwo(text, yearOfCentury) || !take(text, '-')) return false;
  if (!takeTwo(text, month) || !take(text, '-') || !takeTwo(text, day) || !text.empty()) return false;
  if (month < 1 || month > 12 || day < 1) return false;
  const bool leap = yearOfCentury == 0 ? century % 4 == 0 : yearOfCentury % 4 == 0;
  return day <= (month == 2 && leap ? 29 : days[month - 1]);
}

/// ajv-formats reads the seconds as a number. The nearest number to 59.99…9 is 60 from this fraction on (1 - 2^-48; a tie goes up),
/// and so for 60.99…9 and 61.
constexpr std::string_view roundsUp = "999999999999996447286321199499070644378662109375";

/// Takes a fraction off the front, if there is one. False for a point without digits. `carries` says that it rounds up to a whole.
bool takeFraction(std::string_view &text, bool &carries) {
  carries = false;
  if (!take(text, '.')) return true;
  size_t length = 0;
  while (length < text.size() && isDigit(text[length])) length++;
  if (length == 0) return false;
  const std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  carries = digits.substr(0, roundsUp.size()) >= roundsUp;
  return true;
}

struct Zone {
  int sign = 1;
  int hours = 0;
  int minutes = 0;
};

/// The rest of a time: a zone, which must be there.
bool isZone(std::string_view text, Zone &zone) {
  if (text == "z" || text == "Z") return true;
  if (take(text, '-')) zone.sign = -1;
  else if (!take(text, '+')) return false;
  if (!takeTwo(text, zone.hours)) return false;
  if (text.empty()) return true;
  take(text, ':');
  return takeTwo(text, zone.minutes) && text.empty();
}

bool isTime(std::string_view text) {
  int hour = 0, minute = 0, second = 0;
  bool carries = false;
  Zone zone;
  if (!takeTwo(text, hour) || !take(text, ':') || !takeTwo(text, minute) || !take(text, ':') || !takeTwo(text, second)) return false;
  if (!takeFraction(text, carries) || !isZone(text, zone)) return false;
  if (zone.hours > 23 || zone.minutes > 59) return false;
  if (carries) second++;
  if (hour <= 23 && minute <= 59 && second < 60) return true;
  // A leap second, and whatever else ajv-formats lets pass with one: an hour of 24 that a zone brings back to 23.
  const int utcMinute = minute - zone.minutes * zone.sign;
  const int utcHour = hour - zone.hours * zone.sign - (utcMinute < 0 ? 1 : 0);
  return (utcHour == 23 || utcHour == -1) && (utcMinute == 59 || utcMinute == -1) && second < 61;
}

/// The length of what JavaScript splits date and time at: a T, or any of its white space. 0: nothing of the kind.
size_t separatorLength(std::string_view text) {
  constexpr std::string_view separators[] = {
      "T", "t", " ", "\t", "\n", "\v", "\f", "\r", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005",
      "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff"};
  for (const std::string_view separator : separators) {
    if (text.substr(0, separator.size()) == separator) return separator.size();
  }
  return 0;
}

bool isDateTime(std::string_view text) {
  constexpr size_t dateLength = 10;
  if (text.size() < dateLength || !isDate(text.substr(0, dateLength))) return false;
  text.remove_prefix(dateLength);
  const size_t length = separatorLength(text);
  return length > 0 && isTime(text.substr(length));
}

} // namespace

bool formatNamed(std::string_view name, Format &format) {
  if (name == "date") format = Format::date;
  else if (name == "time") format = Format::time;
  else if (name == "date-time") format = Format::dateTime;
  else return false;
  return true;
}

bool inFormat(Format format, std::string_view text) {
  switch (format) {
  case Format::date:
    return isDate(text);
  case Format::time:
    return isTime(text);
  case Format::dateTime:
    return isDateTime(text);
  }
  return false;
}

} // namespace dq
