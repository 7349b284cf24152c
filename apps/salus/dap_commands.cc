#include "apps/salus/dap_commands.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "apps/salus/secret_access.h"
#include "codec/json.h"
#include "pki/key_file.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxTaskFile = 64 * 1024;

}  // namespace

Result<Backend*> StudyPlace(Session& session) {
  TRY(Backend* const place, session.Place(Access::kWrite));
  if (!session.is_data_place()) TRY_VOID(session.Identity());
  return place;
}

Result<aggregate::TaskFile> ReadTaskFile(const std::string& path) {
  Result<SecretBytes> text = pki::ReadKeyFile(path);
  const std::optional<Error> not_private =
      text ? std::nullopt : std::optional<Error>(std::move(text.error()));
  if (not_private) {
    // What is for everybody may be open to everybody.
    TRY(std::string open_text, ReadTextFile(path, kMaxTaskFile));
    text = SecretBytes(AsBytes(open_text));
    WipeMemory(open_text.data(), open_text.size());
  }
  auto file = aggregate::TaskFile::Parse(*text);
  if (!file) return std::move(file.error()).WithContext(path);
  if (not_private && file->party != aggregate::TaskParty::kClient) {
    return Error(*not_private).WithContext(path);
  }
  return file;
}

Result<std::int64_t> ReadWhole(std::string_view text, std::int64_t low, std::int64_t high) {
  std::int64_t value = 0;
  const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || stop != text.data() + text.size() || value < low || value > high) {
    return InvalidArgument(fmt::format("a whole number from {} to {}", low, high));
  }
  return value;
}

Result<std::uint64_t> ReadSeconds(std::string_view text) {
  constexpr std::int64_t kMost = 366LL * 100 * 86'400;
  std::int64_t unit = 0;
  switch (text.empty() ? '\0' : text.back()) {
    case 's':
      unit = 1;
      break;
    case 'm':
      unit = 60;
      break;
    case 'h':
      unit = 3600;
      break;
    case 'd':
      unit = 86'400;
      break;
    default:
      return InvalidArgument("a span of time is 90s, 15m, 1h or 2d");
  }
  TRY(const std::int64_t count, ReadWhole(text.substr(0, text.size() - 1), 1, kMost / unit));
  return static_cast<std::uint64_t>(count * unit);
}

Error RefusedBy(const api::DapLink& link, const aggregate::DapAnswer& answer) {
  std::string why = aggregate::DescribeRefusal(answer);
  const auto json = codec::ParseJson(AsText(answer.body));
  if (json && json->is_object()) {
    for (const char* name : {"title", "detail"}) {
      const auto text = codec::OptionalStringAt(json->as_object(), name);
      if (text && *text) why += fmt::format("; {}", **text);
    }
  }
  const std::string message = fmt::format("{} refused: status {}", link.url(), why);
  switch (answer.status) {
    case 401:
    case 403:
      return PermissionDenied(message);
    case 404:
      return NotFound(message);
    default:
      return answer.status >= 500 ? Unavailable(message) : FailedPrecondition(message);
  }
}

}  // namespace salus::cli
