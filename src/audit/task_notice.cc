#include "audit/task_notice.h"

#include <fmt/format.h>

#include "base/utf8.h"
#include "codec/cbor.h"

namespace salus::audit {

namespace {

using codec::CborReader;
using codec::CborWriter;

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

// Labels count up from 1.
class MemberWriter {
 public:
  MemberWriter(Bytes& out, std::uint64_t members) : writer_(out) { writer_.Map(members); }
  CborWriter& Next() {
    writer_.Uint(++label_);
    return writer_;
  }

 private:
  CborWriter writer_;
  std::uint64_t label_ = 0;
};

class MemberReader {
 public:
  explicit MemberReader(ByteSpan content) : reader_(content) {}
  Result<void> Begin(std::uint64_t members) { return reader_.MapOf(members); }
  Result<void> Read(std::string& out) {
    TRY_VOID(Next());
    TRY(const std::string_view text, reader_.Text());
    out = text;
    return {};
  }
  Result<void> Read(Bytes& out) {
    TRY_VOID(Next());
    TRY(const ByteSpan bytes, reader_.ByteString());
    out = ToBytes(bytes);
    return {};
  }
  Result<void> Read(std::uint64_t& out) {
    TRY_VOID(Next());
    TRY(out, reader_.Uint());
    return {};
  }
  Result<void> Read(Timestamp& out) {
    TRY_VOID(Next());
    TRY(const std::int64_t time_ms, reader_.Int());
    out = FromUnixMillis(time_ms);
    return {};
  }
  Result<void> Read(crypto::Hash32& out) {
    Bytes bytes;
    TRY_VOID(Read(bytes));
    if (bytes.size() != out.size()) return InvalidArgument("a digest has 32 bytes");
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return {};
  }
  Result<void> Finish() const { return reader_.Finish(); }

 private:
  Result<void> Next() {
    TRY(const std::uint64_t label, reader_.Uint());
    return label == ++label_ ? Result<void>() : InvalidArgument("a member is missing");
  }
  CborReader reader_;
  std::uint64_t label_ = 0;
};

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
  MemberReader members(content);
  TRY_VOID(members.Begin(kTaskMembers));
  TRY_VOID(members.Read(notice.task_id));
  TRY_VOID(members.Read(notice.title));
  TRY_VOID(members.Read(notice.purpose));
  TRY_VOID(members.Read(notice.statistic));
  TRY_VOID(members.Read(notice.publisher));
  TRY_VOID(members.Read(notice.min_participants));
  TRY_VOID(members.Read(notice.from));
  TRY_VOID(members.Read(notice.until));
  TRY_VOID(members.Read(notice.noise));
  TRY_VOID(members.Read(notice.definition));
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
  MemberReader members(content);
  TRY_VOID(members.Begin(kResultMembers));
  TRY_VOID(members.Read(notice.task_id));
  TRY_VOID(members.Read(notice.batch));
  TRY_VOID(members.Read(notice.participants));
  TRY_VOID(members.Read(notice.result));
  TRY_VOID(members.Read(notice.publisher));
  TRY_VOID(members.Read(notice.time));
  TRY_VOID(members.Read(notice.evidence));
  TRY_VOID(members.Finish());
  TRY_VOID(Check(notice));
  return notice;
}

}  // namespace salus::audit
