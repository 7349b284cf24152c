#include "audit/page_token.h"

#include <algorithm>

#include "audit/secret_access.h"
#include "codec/base64.h"
#include "codec/cbor.h"

namespace salus::audit {

namespace {

constexpr std::size_t kMacBytes = 32;
constexpr std::string_view kLabel = "salus/page";

crypto::HmacSha256Key MakeKey(RandomSource& random) {
  SecretArray<32> key;
  random.Fill(key.mutable_view(AuditSecrets::Token()));
  return crypto::HmacSha256Key(key);
}

void WriteSubject(codec::CborWriter& writer, const Subject& subject) {
  writer.Text(SubjectKindName(subject.kind));
  writer.Text(subject.system);
  writer.Text(subject.id);
}

Result<Subject> ReadSubject(codec::CborReader& reader) {
  TRY(const std::string_view kind_name, reader.Text());
  TRY(const std::string_view system, reader.Text());
  TRY(const std::string_view id, reader.Text());
  TRY(const SubjectKind kind, ParseSubjectKind(kind_name));
  return Subject::Create(kind, system, id);
}

Result<PageToken> ReadToken(ByteSpan bytes) {
  codec::CborReader reader(bytes);
  PageToken token;
  TRY_VOID(reader.ArrayOf(14));
  TRY(const std::string_view label, reader.Text());
  if (label != kLabel) return InvalidArgument("label");
  TRY(token.asker, ReadSubject(reader));
  TRY(token.subject, ReadSubject(reader));
  TRY(token.size.value, reader.Uint());
  TRY(token.shown_begin, reader.Uint());
  TRY(token.shown_end, reader.Uint());
  TRY(token.after, reader.Uint());
  TRY(token.count, reader.Uint());
  TRY(token.position, reader.Uint());
  TRY(const std::int64_t expires_ms, reader.Int());
  token.expires = FromUnixMillis(expires_ms);
  TRY_VOID(reader.Finish());
  return token;
}

}  // namespace

PageTokenSigner::PageTokenSigner(RandomSource& random) : key_(MakeKey(random)) {}

std::string PageTokenSigner::Sign(const PageToken& token) const {
  Bytes bytes(kMacBytes);
  codec::CborWriter writer(bytes);
  writer.Array(14);
  writer.Text(kLabel);
  WriteSubject(writer, token.asker);
  WriteSubject(writer, token.subject);
  writer.Uint(token.size.value);
  writer.Uint(token.shown_begin);
  writer.Uint(token.shown_end);
  writer.Uint(token.after);
  writer.Uint(token.count);
  writer.Uint(token.position);
  writer.Int(ToUnixMillis(token.expires));
  const crypto::Hash32 mac = key_.Mac(ByteSpan(bytes).subspan(kMacBytes));
  std::copy(mac.begin(), mac.end(), bytes.begin());
  return codec::Base64UrlEncode(bytes);
}

Result<PageToken> PageTokenSigner::Open(std::string_view text, Timestamp now) const {
  const Error refused = FailedPrecondition(
      "the page is not one that this server can go on from, or it is too old: ask "
      "again from the start");
  const Result<Bytes> bytes = codec::Base64UrlDecode(text);
  if (!bytes || bytes->size() <= kMacBytes) return refused;
  const ByteSpan content = ByteSpan(*bytes).subspan(kMacBytes);
  if (!ConstantTimeEqual(key_.Mac(content), ByteSpan(*bytes).first(kMacBytes))) return refused;
  Result<PageToken> token = ReadToken(content);
  if (!token || token->expires < now) return refused;
  return token;
}

}  // namespace salus::audit
