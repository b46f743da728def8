#pragma once
#include <node_api.h>

// What JavaScript sees of the lane; src/native/surface.ts says what each takes and gives.

namespace lane {

napi_value openSource(napi_env env, napi_callback_info info);
napi_value hold(napi_env env, napi_callback_info info);
napi_value fill(napi_env env, napi_callback_info info);
napi_value closeSource(napi_env env, napi_callback_info info);

napi_value openPublisher(napi_env env, napi_callback_info info);
napi_value openTopic(napi_env env, napi_callback_info info);
napi_value send(napi_env env, napi_callback_info info);
napi_value closePublisher(napi_env env, napi_callback_info info);

napi_value forget(napi_env env, napi_callback_info info);
napi_value errorText(napi_env env, napi_callback_info info);
napi_value version(napi_env env, napi_callback_info info);

}  // namespace lane
