#include "aggregate/task_exchange.h"

#include "codec/base64.h"
#include "codec/cbor.h"

namespace salus::aggregate {

namespace {

constexpr std::size_t kMembers = 8;
constexpr std::size_t kMaxPath = 1024;
constexpr std::size_t kMaxMethod = 16;

Result<std::string> ShortText(codec::CborReader& reader, std::size_t limit, const char* member) {
  TRY(const std::string_view text, reader.Text());
  if (text.size() > limit) return InvalidArgument(std::string(member) + " is too long");
  return std::string(text);
}

std::string HashText(ByteSpan bytes) { return codec::Base64Encode(crypto::Sha256(bytes)); }

}  // namespace

std::string SignedRequestText(std::string_view method, std::string_view path, ByteSpan request) {
  return "salus task request 1\n" + std::string(method) + " " + std::string(path) + "\n" +
         HashText(request) + "\n";
}

std::string SignedAnswerText(std::string_view method, std::string_view path, ByteSpan request,
                             int status, ByteSpan answer) {
  return "salus task answer 1\n" + std::string(method) + " " + std::string(path) + "\n" +
         HashText(request) + "\n" + std::to_string(status) + "\n" + HashText(answer) + "\n";
}

std::string TaskExchange::RequestText() const { return SignedRequestText(method, path, request); }

std::string TaskExchange::AnswerText() const {
  return SignedAnswerText(method, path, request, status, answer);
}

Bytes TaskExchange::Encode() const {
  Bytes out;
  out.reserve(request.size() + answer.size() + path.size() + 256);
  codec::CborWriter writer(out);
  writer.Array(kMembers);
  writer.Int(time.time_since_epoch().count());
  writer.Text(method);
  writer.Text(path);
  writer.ByteString(request);
  writer.Text(request_signature);
  writer.Uint(static_cast<std::uint64_t>(status));
  writer.ByteString(answer);
  writer.Text(answer_signature);
  const crypto::Hash32 hash = crypto::Sha256(out);
  out.insert(out.end(), hash.begin(), hash.end());
  return out;
}

Result<TaskExchange> TaskExchange::Parse(ByteSpan item) {
  constexpr std::size_t kHash = sizeof(crypto::Hash32);
  if (item.size() < kHash) return InvalidArgument("is no exchange of a task");
  const ByteSpan content = item.first(item.size() - kHash);
  codec::CborReader reader(content);
  const auto members = reader.Array();
  if (!members || *members != kMembers) return InvalidArgument("is no exchange of a task");
  if (!Equal(crypto::Sha256(content), item.last(kHash))) {
    return Corruption("is damaged: its hash is another");
  }
  TaskExchange out;
  TRY(const std::int64_t time, reader.Int());
  out.time = Timestamp(std::chrono::milliseconds(time));
  TRY(out.method, ShortText(reader, kMaxMethod, "the method"));
  TRY(out.path, ShortText(reader, kMaxPath, "the path"));
  TRY(const ByteSpan request, reader.ByteString());
  out.request = ToBytes(request);
  TRY(out.request_signature, ShortText(reader, kMaxSignatureBytes, "the request's signature"));
  TRY(const std::uint64_t status, reader.Uint());
  if (status < 100 || status > 599) return InvalidArgument("the status is none of HTTP's");
  out.status = static_cast<int>(status);
  TRY(const ByteSpan answer, reader.ByteString());
  out.answer = ToBytes(answer);
  TRY(out.answer_signature, ShortText(reader, kMaxSignatureBytes, "the answer's signature"));
  TRY_VOID(reader.Finish());
  return out;
}

}  // namespace salus::aggregate
