// Result carries a value or an Error; TRY unwraps one or returns the Error to the caller.
#pragma once

#include <concepts>
#include <expected>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace salus {

// ErrorCode is the closed set of error kinds. One function (api::StatusOf) maps them to HTTP, one
// (apps/salus) to exit codes.
enum class ErrorCode {
  kInvalidArgument,     // the input is malformed; sending it again will not help
  kNotFound,            // the named thing does not exist
  kAlreadyExists,       // it exists and may not be made again
  kUnauthenticated,     // the caller did not prove who they are
  kPermissionDenied,    // the caller may not do this
  kFailedPrecondition,  // the system is not in the state that this needs
  kConflict,            // same id, other content; or a lost compare-and-swap
  kCorruption,          // stored bytes are not what was written
  kVerificationFailed,  // a signature, proof, tag or decryption does not verify
  kResourceExhausted,   // disk, memory or quota is used up
  kUnavailable,         // try again later
  kInternal,            // a library failed in a way it never should
};

// CodeName is the stable lower-case name of a code, e.g. "invalid-argument".
std::string_view CodeName(ErrorCode code);

// Error says what happened, where, and what to do next; never patient data, secrets or raw input.
struct Error {
  ErrorCode code;
  std::string message;

  // WithContext puts "where: " in front of the message.
  Error WithContext(std::string_view where) &&;
};

template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
  static_assert(!std::same_as<T, Error>, "Result<Error> is ambiguous");

 public:
  using std::expected<T, Error>::expected;
  Result(Error error) : std::expected<T, Error>(std::unexpected(std::move(error))) {}  // NOLINT
};

template <>
class [[nodiscard]] Result<void> : public std::expected<void, Error> {
 public:
  using std::expected<void, Error>::expected;
  Result(Error error) : std::expected<void, Error>(std::unexpected(std::move(error))) {}  // NOLINT
};

inline Error InvalidArgument(std::string m) { return {ErrorCode::kInvalidArgument, std::move(m)}; }
inline Error NotFound(std::string m) { return {ErrorCode::kNotFound, std::move(m)}; }
inline Error AlreadyExists(std::string m) { return {ErrorCode::kAlreadyExists, std::move(m)}; }
inline Error Unauthenticated(std::string m) { return {ErrorCode::kUnauthenticated, std::move(m)}; }
inline Error PermissionDenied(std::string m) {
  return {ErrorCode::kPermissionDenied, std::move(m)};
}
inline Error FailedPrecondition(std::string m) {
  return {ErrorCode::kFailedPrecondition, std::move(m)};
}
inline Error Conflict(std::string m) { return {ErrorCode::kConflict, std::move(m)}; }
inline Error Corruption(std::string m) { return {ErrorCode::kCorruption, std::move(m)}; }
inline Error VerificationFailed(std::string m) {
  return {ErrorCode::kVerificationFailed, std::move(m)};
}
inline Error ResourceExhausted(std::string m) {
  return {ErrorCode::kResourceExhausted, std::move(m)};
}
inline Error Unavailable(std::string m) { return {ErrorCode::kUnavailable, std::move(m)}; }
inline Error Internal(std::string m) { return {ErrorCode::kInternal, std::move(m)}; }

}  // namespace salus

#define SALUS_CONCAT_INNER(a, b) a##b
#define SALUS_CONCAT(a, b) SALUS_CONCAT_INNER(a, b)

// TRY(auto x, expr): x is the value of expr, or the function returns its Error.
#define TRY(declaration, ...) \
  TRY_NAMED(SALUS_CONCAT(try_result_, __LINE__), declaration, __VA_ARGS__)
#define TRY_NAMED(name, declaration, ...)                            \
  auto name = (__VA_ARGS__);                                         \
  if (!name.has_value()) [[unlikely]]                                \
    return std::unexpected<::salus::Error>(std::move(name).error()); \
  declaration = *std::move(name)

// TRY_VOID(expr): the function returns the Error of a Result<void>, or of any Result whose value is
// not needed.
#define TRY_VOID(...)                                                    \
  if (auto try_void = (__VA_ARGS__); !try_void.has_value()) [[unlikely]] \
  return std::unexpected<::salus::Error>(std::move(try_void).error())
