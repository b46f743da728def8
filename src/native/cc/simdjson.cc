// The one translation unit of simdjson; it lies in the npm package, whose place gyp does not take as a source.
#include "simdjson.cpp"
