#include "audit/task_notice.h"

#include <fmt/format.h>

#include "audit/member_map.h"
#include "base/utf8.h"

namespace salus::audit {

namespace {

constexpr std::size_t kMaxText = 4'096;
constexpr std::uint64_t kTaskMembers = 10;
constexpr std::uint64_t kResultMembers = 7;

Result<void> CheckTaskId(ByteSpan id) {
  if (id.size() == 16 || id.size() == 32) return {};
  return InvalidArgument("task_id: has 16 or 32 bytes");
}

Result<void> CheckText(std::string_view name, std::string_view text) {
  if (text.size() <= kMaxText && IsValidUtf8(text)) return {};
  return InvalidArgument(fmt::format("{}: is UTF-8 of at most {} bytes", name, kMaxText));
}

Result<void> Check(const TaskNotice& notice) {
  TRY_VOID(CheckTaskId(notice.task_id));
  TRY_VOID(CheckText("title", notice.title));
  TRY_VOID(CheckText("purpose", notice.purpose));
  if (notice.purpose.empty()) {
    return InvalidArgument("purpose: is missing: say what people's data is used for");
  }
  TRY_VOID(CheckText("statistic", notice.statistic));
  TRY_VOID(CheckText("publisher", notice.publisher));
  TRY_VOID(CheckText("noise", notice.noise));
  if (notice.until < notice.from) return InvalidArgument("until: is before from");
  return {};
}

Result<void> Check(const ResultNotice& notice) {
  TRY_VOID(CheckTaskId(notice.task_id));
  TRY_VOID(CheckText("batch", notice.batch));
  TRY_VOID(CheckText("result", notice.result));
  return CheckText("publisher", notice.publisher);
}

}  // namespace

Result<Bytes> EncodeTaskNotice(const TaskNotice& notice) {
  TRY_VOID(Check(notice));
  Bytes out;
  MemberWriter members(out, kTaskMembers);
  members.Next().ByteString(notice.task_id);
  members.Next().Text(notice.title);
  members.Next().Text(notice.purpose);
  members.Next().Text(notice.statistic);
  members.Next().Text(notice.publisher);
  members.Next().Uint(notice.min_participants);
  members.Next().Int(ToUnixMillis(notice.from));
  members.Next().Int(ToUnixMillis(notice.until));
  members.Next().Text(notice.noise);
  members.Next().ByteString(notice.definition);
  return out;
}

Result<TaskNotice> DecodeTaskNotice(ByteSpan content) {
  TaskNotice notice;
  MemberReader members(content, kTaskMembers);
  TRY_VOID(members.Octets(notice.task_id));
  TRY_VOID(members.Text(notice.title));
  TRY_VOID(members.Text(notice.purpose));
  TRY_VOID(members.Text(notice.statistic));
  TRY_VOID(members.Text(notice.publisher));
  TRY_VOID(members.Count(notice.min_participants));
  TRY_VOID(members.Time(notice.from));
  TRY_VOID(members.Time(notice.until));
  TRY_VOID(members.Text(notice.noise));
  TRY_VOID(members.Hash(notice.definition));
  TRY_VOID(members.Finish());
  TRY_VOID(Check(notice));
  return notice;
}

Result<Bytes> EncodeResultNotice(const ResultNotice& notice) {
  TRY_VOID(Check(notice));
  Bytes out;
  MemberWriter members(out, kResultMembers);
  members.Next().ByteString(notice.task_id);
  members.Next().Text(notice.batch);
  members.Next().Uint(notice.participants);
  members.Next().Text(notice.result);
  members.Next().Text(notice.publisher);
  members.Next().Int(ToUnixMillis(notice.time));
  members.Next().ByteString(notice.evidence);
  return out;
}

Result<ResultNotice> DecodeResultNotice(ByteSpan content) {
  ResultNotice notice;
  MemberReader members(content, kResultMembers);
  TRY_VOID(members.Octets(notice.task_id));
  TRY_VOID(members.Text(notice.batch));
  TRY_VOID(members.Count(notice.participants));
  TRY_VOID(members.Text(notice.result));
  TRY_VOID(members.Text(notice.publisher));
  TRY_VOID(members.Time(notice.time));
  TRY_VOID(members.Hash(notice.evidence));
  TRY_VOID(members.Finish());
  TRY_VOID(Check(notice));
  return notice;
}

}  // namespace salus::audit
