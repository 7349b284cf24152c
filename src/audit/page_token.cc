#include "audit/page_token.h"

#include <algorithm>

#include "audit/secret_access.h"
#include "codec/base64.h"
#include "codec/cbor.h"

namespace salus::audit {

namespace {

constexpr std::size_t kMacBytes = 32;
constexpr std::string_view kPageLabel = "salus/page";
constexpr std::string_view kPermitLabel = "salus/permit";

Error Refused(std::string_view what) {
  return FailedPrecondition(
      "the " + std::string(what) +
      " is not one that this server can go on from, or it is too old: ask again from "
      "the start");
}

crypto::HmacSha256Key MakeKey(RandomSource& random) {
  SecretArray<32> key;
  random.Fill(key.mutable_view(AuditSecrets::Token()));
  return crypto::HmacSha256Key(key);
}

Result<PageToken> ReadToken(ByteSpan bytes) {
  codec::CborReader reader(bytes);
  PageToken token;
  TRY_VOID(reader.ArrayOf(10));
  TRY(const std::string_view label, reader.Text());
  if (label != kPageLabel) return InvalidArgument("label");
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

Result<QueryPermit> ReadPermit(ByteSpan bytes) {
  codec::CborReader reader(bytes);
  QueryPermit permit;
  TRY_VOID(reader.ArrayOf(6));
  TRY(const std::string_view label, reader.Text());
  if (label != kPermitLabel) return InvalidArgument("label");
  TRY(permit.asker, ReadSubject(reader));
  TRY(permit.subject, ReadSubject(reader));
  TRY(permit.query_index.value, reader.Uint());
  TRY(const ByteSpan leaf, reader.ByteString());
  TRY(permit.query_leaf, merkle::LeafHash::FromBytes(leaf));
  TRY(const std::int64_t expires_ms, reader.Int());
  permit.expires = FromUnixMillis(expires_ms);
  TRY_VOID(reader.Finish());
  return permit;
}

}  // namespace

PageTokenSigner::PageTokenSigner(RandomSource& random) : key_(MakeKey(random)) {}

std::string PageTokenSigner::Finish(Bytes content) const {
  const crypto::Hash32 mac = key_.Mac(content);
  Bytes bytes(mac.begin(), mac.end());
  Append(bytes, content);
  return codec::Base64UrlEncode(bytes);
}

Result<Bytes> PageTokenSigner::Content(std::string_view text) const {
  TRY(Bytes bytes, codec::Base64UrlDecode(text));
  if (bytes.size() <= kMacBytes) return InvalidArgument("short");
  const ByteSpan content = ByteSpan(bytes).subspan(kMacBytes);
  if (!ConstantTimeEqual(key_.Mac(content), ByteSpan(bytes).first(kMacBytes))) {
    return InvalidArgument("not ours");
  }
  return ToBytes(content);
}

std::string PageTokenSigner::Sign(const PageToken& token) const {
  Bytes bytes;
  codec::CborWriter writer(bytes);
  writer.Array(10);
  writer.Text(kPageLabel);
  WriteSubject(writer, token.asker);
  WriteSubject(writer, token.subject);
  writer.Uint(token.size.value);
  writer.Uint(token.shown_begin);
  writer.Uint(token.shown_end);
  writer.Uint(token.after);
  writer.Uint(token.count);
  writer.Uint(token.position);
  writer.Int(ToUnixMillis(token.expires));
  return Finish(std::move(bytes));
}

std::string PageTokenSigner::Sign(const QueryPermit& permit) const {
  Bytes bytes;
  codec::CborWriter writer(bytes);
  writer.Array(6);
  writer.Text(kPermitLabel);
  WriteSubject(writer, permit.asker);
  WriteSubject(writer, permit.subject);
  writer.Uint(permit.query_index.value);
  writer.ByteString(permit.query_leaf.span());
  writer.Int(ToUnixMillis(permit.expires));
  return Finish(std::move(bytes));
}

Result<PageToken> PageTokenSigner::OpenPage(std::string_view text, Timestamp now) const {
  const Result<Bytes> content = Content(text);
  if (!content) return Refused("page");
  Result<PageToken> token = ReadToken(*content);
  if (!token || token->expires < now) return Refused("page");
  return token;
}

Result<QueryPermit> PageTokenSigner::OpenPermit(std::string_view text, Timestamp now) const {
  const Result<Bytes> content = Content(text);
  if (!content) return Refused("permit");
  Result<QueryPermit> permit = ReadPermit(*content);
  if (!permit || permit->expires < now) return Refused("permit");
  return permit;
}

}  // namespace salus::audit
