#pragma once
#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <string>

// What every part of the lane needs of Node-API: a status that is never ignored, and arguments that are what they should be.

namespace lane {

/** Turns a failed call into an exception, unless one is on its way already. For functions that return to JavaScript. */
inline napi_value raise(napi_env env) {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) != napi_ok || pending) return nullptr;
  const napi_extended_error_info* info = nullptr;
  const char* text = napi_get_last_error_info(env, &info) == napi_ok && info->error_message ? info->error_message : "a call of Node-API failed";
  (void)napi_throw_error(env, nullptr, text);
  return nullptr;
}

inline napi_value raise(napi_env env, const char* text) {
  (void)napi_throw_error(env, nullptr, text);
  return nullptr;
}

/** Leaves the function with an exception when a call of Node-API fails. */
#define LANE_CHECK(call) \
  do {                   \
    if ((call) != napi_ok) return ::lane::raise(env); \
  } while (false)

/** Reads up to `Count` arguments; missing ones are undefined, which no reader below takes. */
template <size_t Count>
struct Arguments {
  napi_value values[Count];

  napi_status read(napi_env env, napi_callback_info info) {
    size_t count = Count;
    return napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
  }

  napi_value operator[](size_t index) const { return values[index]; }
};

/** A view of the elements of a typed array. Valid for as long as something keeps the array. */
template <typename Element>
struct View {
  Element* data = nullptr;
  size_t length = 0;
};

template <typename Element>
napi_status readView(napi_env env, napi_value value, napi_typedarray_type wanted, View<Element>* view) {
  bool isArray = false;
  napi_status status = napi_is_typedarray(env, value, &isArray);
  if (status != napi_ok) return status;
  if (!isArray) return napi_invalid_arg;
  napi_typedarray_type type;
  void* data = nullptr;
  status = napi_get_typedarray_info(env, value, &type, &view->length, &data, nullptr, nullptr);
  if (status != napi_ok) return status;
  if (type != wanted) return napi_invalid_arg;
  view->data = static_cast<Element*>(data);
  return napi_ok;
}

inline napi_status readText(napi_env env, napi_value value, std::string* text) {
  size_t length = 0;
  napi_status status = napi_get_value_string_utf8(env, value, nullptr, 0, &length);
  if (status != napi_ok) return status;
  text->resize(length + 1);
  status = napi_get_value_string_utf8(env, value, &(*text)[0], length + 1, &length);
  text->resize(length);
  return status;
}

/** The object behind a handle that {@link newHandle} made. */
template <typename Object>
napi_status readHandle(napi_env env, napi_value value, Object** object) {
  bool ours = false;
  napi_status status = napi_check_object_type_tag(env, value, &Object::tag, &ours);
  if (status != napi_ok) return status;
  if (!ours) return napi_invalid_arg;
  void* data = nullptr;
  status = napi_get_value_external(env, value, &data);
  if (status != napi_ok) return status;
  *object = static_cast<Object*>(data);
  return napi_ok;
}

/** A handle for JavaScript that owns the object. */
template <typename Object>
napi_status newHandle(napi_env env, Object* object, napi_value* handle) {
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<Object*>(data); };
  napi_status status = napi_create_external(env, object, finalize, nullptr, handle);
  if (status != napi_ok) {
    delete object;
    return status;
  }
  return napi_type_tag_object(env, *handle, &Object::tag);
}

inline napi_status setNumber(napi_env env, napi_value object, const char* name, double number) {
  napi_value value;
  napi_status status = napi_create_double(env, number, &value);
  if (status != napi_ok) return status;
  return napi_set_named_property(env, object, name, value);
}

inline napi_status setText(napi_env env, napi_value object, const char* name, const std::string& text) {
  napi_value value;
  napi_status status = napi_create_string_utf8(env, text.data(), text.size(), &value);
  if (status != napi_ok) return status;
  return napi_set_named_property(env, object, name, value);
}

}  // namespace lane
