#include <algorithm>
#include <limits>

#include "base/secret.h"
#include "codec/json.h"

namespace salus::codec {

namespace {

Error MustBe(std::string_view name, std::string_view what) {
  return InvalidArgument(std::string(name) + ": must be " + std::string(what));
}

Error Missing(std::string_view name) { return InvalidArgument(std::string(name) + ": is missing"); }

// The member as a view or value: convert returns nullopt for another type.
template <typename T, typename Convert>
Result<std::optional<T>> Read(const JsonObject& object, std::string_view name,
                              std::string_view what, Convert convert) {
  const Json* const value = object.if_contains(name);
  if (value == nullptr) return std::optional<T>();
  std::optional<T> converted = convert(*value);
  if (!converted) return MustBe(name, what);
  return converted;
}

template <typename T>
Result<T> Require(Result<std::optional<T>> found, std::string_view name) {
  if (!found) return std::move(found).error();
  if (!*found) return Missing(name);
  return **found;
}

}  // namespace

Error Within(std::string_view step, Error error) {
  error.message = std::string(step) + "." + error.message;
  return error;
}

Error Within(std::string_view array, std::size_t index, Error error) {
  return Within(std::string(array) + "[" + std::to_string(index) + "]", std::move(error));
}

Result<std::optional<std::string_view>> OptionalStringAt(const JsonObject& object,
                                                         std::string_view name) {
  return Read<std::string_view>(object, name, "a string",
                                [](const Json& value) -> std::optional<std::string_view> {
                                  if (!value.is_string()) return std::nullopt;
                                  const auto& text = value.get_string();
                                  return std::string_view(text.data(), text.size());
                                });
}

Result<std::string_view> StringAt(const JsonObject& object, std::string_view name) {
  return Require(OptionalStringAt(object, name), name);
}

Result<std::optional<std::int64_t>> OptionalIntAt(const JsonObject& object, std::string_view name) {
  return Read<std::int64_t>(
      object, name, "a whole number", [](const Json& value) -> std::optional<std::int64_t> {
        if (value.is_int64()) return value.get_int64();
        if (value.is_uint64() && std::in_range<std::int64_t>(value.get_uint64())) {
          return static_cast<std::int64_t>(value.get_uint64());
        }
        return std::nullopt;
      });
}

Result<std::int64_t> IntAt(const JsonObject& object, std::string_view name) {
  return Require(OptionalIntAt(object, name), name);
}

Result<std::optional<bool>> OptionalBoolAt(const JsonObject& object, std::string_view name) {
  return Read<bool>(object, name, "true or false", [](const Json& value) -> std::optional<bool> {
    if (!value.is_bool()) return std::nullopt;
    return value.get_bool();
  });
}

Result<bool> BoolAt(const JsonObject& object, std::string_view name) {
  return Require(OptionalBoolAt(object, name), name);
}

Result<const JsonArray*> OptionalArrayAt(const JsonObject& object, std::string_view name) {
  const Json* const value = object.if_contains(name);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) return MustBe(name, "an array");
  return &value->get_array();
}

Result<const JsonArray*> ArrayAt(const JsonObject& object, std::string_view name) {
  TRY(const JsonArray* array, OptionalArrayAt(object, name));
  if (array == nullptr) return Missing(name);
  return array;
}

Result<const JsonObject*> OptionalObjectAt(const JsonObject& object, std::string_view name) {
  const Json* const value = object.if_contains(name);
  if (value == nullptr) return nullptr;
  return AsObject(*value, name);
}

Result<const JsonObject*> ObjectAt(const JsonObject& object, std::string_view name) {
  TRY(const JsonObject* found, OptionalObjectAt(object, name));
  if (found == nullptr) return Missing(name);
  return found;
}

Result<const JsonObject*> AsObject(const Json& value, std::string_view name) {
  if (!value.is_object()) return MustBe(name, "an object");
  return &value.get_object();
}

Result<void> CheckMembers(const JsonObject& object, std::span<const std::string_view> members) {
  for (const auto& member : object) {
    if (std::ranges::find(members, std::string_view(member.key())) != members.end()) continue;
    std::string names;
    for (const std::string_view name : members) {
      names += names.empty() ? "" : ", ";
      names += name;
    }
    return InvalidArgument("an unknown member: there are only " + names);
  }
  return {};
}

WipedMembers::~WipedMembers() {
  if (!value_.is_object()) return;
  for (const std::string_view name : names_) {
    Json* const member = value_.as_object().if_contains(name);
    if (member == nullptr || !member->is_string()) continue;
    WipeMemory(member->as_string().data(), member->as_string().size());
  }
}

}  // namespace salus::codec
