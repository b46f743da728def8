#pragma once
#include <node_api.h>

namespace dq {

/// Adds `matchPattern` and `checkFormat` to the exports: the parts of a judgement that tests hold against JavaScript one by one.
bool addTestDoors(napi_env env, napi_value exports);

} // namespace dq
