#include "audit/entry.h"

#include <algorithm>

#include "base/check.h"
#include "codec/cbor.h"

namespace salus::audit {

namespace {

// bstr .cbor {1: 3}: algorithm A256GCM (RFC 9053 section 4.1).
constexpr std::array<std::uint8_t, 3> kProtected = {0xa1, 0x01, 0x03};
constexpr std::uint64_t kHeaderKid = 4;
constexpr std::uint64_t kHeaderIv = 5;
constexpr std::size_t kTagSize = 16;

Error Malformed(std::string_view what) {
  std::string message = "the entry is not one that this log writes: ";
  message += what;
  return VerificationFailed(std::move(message));
}

Result<SealedBody> ReadCose(codec::CborReader& reader) {
  SealedBody body;
  TRY_VOID(reader.ArrayOf(3));
  TRY(const ByteSpan protected_header, reader.ByteString());
  if (!Equal(protected_header, kProtected)) return Malformed("another algorithm than A256GCM");
  TRY_VOID(reader.MapOf(2));
  TRY(const std::uint64_t kid_label, reader.Uint());
  TRY(const ByteSpan kid, reader.ByteString());
  TRY(const std::uint64_t iv_label, reader.Uint());
  TRY(const ByteSpan iv, reader.ByteString());
  if (kid_label != kHeaderKid || iv_label != kHeaderIv || kid.size() != kKeyIdSize ||
      iv.size() != kIvSize) {
    return Malformed("header");
  }
  std::copy(kid.begin(), kid.end(), body.key_id.begin());
  std::copy(iv.begin(), iv.end(), body.iv.begin());
  TRY(body.ciphertext, reader.ByteString());
  if (body.ciphertext.size() < kTagSize) return Malformed("ciphertext without a tag");
  return body;
}

Result<GrantBody> ReadGrant(codec::CborReader& reader) {
  GrantBody body;
  TRY_VOID(reader.ArrayOf(3));
  TRY(const ByteSpan find, reader.ByteString());
  TRY(const ByteSpan commit, reader.ByteString());
  TRY(body.jwe, reader.Text());
  if (find.size() != body.find.size() || commit.size() != body.commit.size()) {
    return Malformed("grant");
  }
  std::copy(find.begin(), find.end(), body.find.begin());
  std::copy(commit.begin(), commit.end(), body.commit.begin());
  return body;
}

Result<OtherBody> ReadOther(codec::CborReader& reader) {
  OtherBody body;
  TRY_VOID(reader.ArrayOf(4));
  TRY(const std::uint64_t type, reader.Uint());
  if (type > 0xffff) return Malformed("type");
  body.type = static_cast<EventType>(type);
  TRY(body.about_subject, reader.Bool());
  TRY(const ByteSpan digest, reader.ByteString());
  if (digest.size() == crypto::Hash32().size()) {
    body.row_digest.emplace();
    std::copy(digest.begin(), digest.end(), body.row_digest->begin());
  } else if (!digest.empty()) {
    return Malformed("row digest");
  }
  TRY(const codec::CborType content, reader.PeekType());
  if (content == codec::CborType::kArray) {
    TRY(body.sealed, ReadCose(reader));
  } else {
    TRY(body.clear, reader.Item());
  }
  return body;
}

Result<EntryView> ReadEntry(ByteSpan entry) {
  EntryView view;
  codec::CborReader reader(entry);
  TRY_VOID(reader.ArrayOf(2));
  TRY(const std::uint64_t kind, reader.Uint());
  if (kind > static_cast<std::uint64_t>(EntryKind::kNotice)) return Malformed("unknown kind");
  view.kind = static_cast<EntryKind>(kind);
  view.body = entry.subspan(reader.position());
  switch (view.kind) {
    case EntryKind::kSealedEvent: {
      TRY(view.sealed, ReadCose(reader));
      break;
    }
    case EntryKind::kGrant: {
      TRY(view.grant, ReadGrant(reader));
      break;
    }
    case EntryKind::kGenesis:
    case EntryKind::kMapRoot: {
      TRY_VOID(reader.Item());
      break;
    }
    default: {
      TRY(view.other, ReadOther(reader));
      break;
    }
  }
  TRY_VOID(reader.Finish());
  return view;
}

void WriteCose(codec::CborWriter& writer, const SealedBody& body) {
  writer.Array(3);
  writer.ByteString(kProtected);
  writer.Map(2);
  writer.Uint(kHeaderKid);
  writer.ByteString(body.key_id);
  writer.Uint(kHeaderIv);
  writer.ByteString(body.iv);
  writer.ByteString(body.ciphertext);
}

}  // namespace

bool EndsEpoch(EventType type) {
  return type != EventType::kCustodyShare && type != EventType::kCustodyReleased &&
         type != EventType::kDaysShared;
}

Result<EntryView> ParseEntry(ByteSpan entry) {
  if (entry.size() > tlog::kMaxEntryBytes) return Malformed("too long");
  Result<EntryView> view = ReadEntry(entry);
  if (!view && view.error().code != ErrorCode::kVerificationFailed) {
    return Malformed(view.error().message);
  }
  return view;
}

bool StepsAChain(const EntryView& entry) {
  switch (entry.kind) {
    case EntryKind::kSealedEvent:
    case EntryKind::kGrant:
    case EntryKind::kQuery:
      return true;
    default:
      return entry.other && entry.other->about_subject;
  }
}

std::size_t SealedEntrySize(std::size_t plaintext_size) {
  const std::size_t ciphertext = plaintext_size + kTagSize;
  const std::size_t length_bytes = ciphertext < 24       ? 1
                                   : ciphertext < 256    ? 2
                                   : ciphertext < 65'536 ? 3
                                                         : 5;
  return 40 + length_bytes + ciphertext;
}

void AppendSealedHead(const EntryKeyId& key_id, const EntryIv& iv, std::size_t ciphertext_size,
                      Bytes& out) {
  // [1, [h'a10103', {4: kid, 5: iv}, ciphertext]]: constant but for kid, iv and the length.
  static constexpr std::array<std::uint8_t, 10> kHead = {0x82, 0x01, 0x83, 0x43, 0xa1,
                                                         0x01, 0x03, 0xa2, 0x04, 0x50};
  Append(out, kHead);
  Append(out, key_id);
  out.push_back(0x05);
  out.push_back(0x4c);
  Append(out, iv);
  if (ciphertext_size < 256) {
    out.push_back(0x58);
    out.push_back(static_cast<std::uint8_t>(ciphertext_size));
  } else {
    CHECK(ciphertext_size < 65'536);
    out.push_back(0x59);
    out.push_back(static_cast<std::uint8_t>(ciphertext_size >> 8));
    out.push_back(static_cast<std::uint8_t>(ciphertext_size));
  }
}

void AppendCose(const SealedBody& body, Bytes& out) {
  codec::CborWriter writer(out);
  WriteCose(writer, body);
}

Bytes EncodeOther(EntryKind kind, const OtherBody& body) {
  CHECK(kind >= EntryKind::kPolicy);
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(2);
  writer.Uint(static_cast<std::uint64_t>(kind));
  writer.Array(4);
  writer.Uint(static_cast<std::uint64_t>(body.type));
  writer.Bool(body.about_subject);
  writer.ByteString(body.row_digest ? ByteSpan(*body.row_digest) : ByteSpan());
  if (body.sealed) {
    WriteCose(writer, *body.sealed);
  } else {
    // A clear item is never an array, so that it can't be taken for a COSE_Encrypt0.
    CHECK(!body.clear.empty() && (body.clear[0] >> 5) != 4);
    writer.Encoded(body.clear);
  }
  return out;
}

Bytes EncodeGrant(const GrantBody& body) {
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(2);
  writer.Uint(static_cast<std::uint64_t>(EntryKind::kGrant));
  writer.Array(3);
  writer.ByteString(body.find);
  writer.ByteString(body.commit);
  writer.Text(body.jwe);
  return out;
}

crypto::Hash32 IndexCheck(const crypto::HmacSha256Key& index_key) {
  return index_key.Mac(AsBytes("salus/index-check"));
}

Bytes EncodeGenesis(const Genesis& genesis) {
  Bytes out;
  codec::CborWriter writer(out);
  writer.Array(2);
  writer.Uint(static_cast<std::uint64_t>(EntryKind::kGenesis));
  writer.Map(7);
  writer.Uint(1);
  writer.Text(genesis.origin);
  writer.Uint(2);
  writer.Text(genesis.log_key);
  writer.Uint(3);
  writer.Text(genesis.receipt_key);
  writer.Uint(4);
  writer.ByteString(genesis.vrf_key);
  writer.Uint(5);
  writer.Text(genesis.predecessor);
  writer.Uint(6);
  writer.Text(genesis.predecessor_checkpoint);
  writer.Uint(7);
  writer.ByteString(genesis.index_check);
  return out;
}

namespace {

Result<Genesis> ReadGenesis(ByteSpan entry) {
  Genesis genesis;
  codec::CborReader reader(entry);
  TRY_VOID(reader.ArrayOf(2));
  TRY(const std::uint64_t kind, reader.Uint());
  if (kind != static_cast<std::uint64_t>(EntryKind::kGenesis)) return Malformed("kind");
  TRY_VOID(reader.MapOf(7));
  const auto next = [&reader](std::uint64_t label) -> Result<void> {
    TRY(const std::uint64_t got, reader.Uint());
    if (got != label) return Malformed("genesis");
    return {};
  };
  TRY_VOID(next(1));
  TRY(genesis.origin, reader.Text());
  TRY_VOID(next(2));
  TRY(genesis.log_key, reader.Text());
  TRY_VOID(next(3));
  TRY(genesis.receipt_key, reader.Text());
  TRY_VOID(next(4));
  TRY(const ByteSpan vrf, reader.ByteString());
  if (vrf.size() != genesis.vrf_key.size()) return Malformed("VRF key");
  std::copy(vrf.begin(), vrf.end(), genesis.vrf_key.begin());
  TRY_VOID(next(5));
  TRY(genesis.predecessor, reader.Text());
  TRY_VOID(next(6));
  TRY(genesis.predecessor_checkpoint, reader.Text());
  TRY_VOID(next(7));
  TRY(const ByteSpan check, reader.ByteString());
  if (check.size() != genesis.index_check.size()) return Malformed("index check");
  std::copy(check.begin(), check.end(), genesis.index_check.begin());
  TRY_VOID(reader.Finish());
  return genesis;
}

}  // namespace

Result<Genesis> ParseGenesis(ByteSpan entry) {
  Result<Genesis> genesis = ReadGenesis(entry);
  if (!genesis) return Malformed("genesis");
  return genesis;
}

}  // namespace salus::audit
