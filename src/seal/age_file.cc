#include "seal/age_file.h"

#include <algorithm>

#include "base/check.h"
#include "seal/key_access.h"

namespace salus::seal {

namespace {

constexpr char kScryptType[] = "scrypt";
constexpr char kPostQuantumType[] = "mlkem768x25519";

}  // namespace

Result<std::unique_ptr<AgeSealer>> AgeSealer::Start(ByteSink& out, const Recipients& recipients,
                                                    const SealSettings& settings,
                                                    RandomSource& random) {
  if (recipients.empty()) return InvalidArgument("there is no recipient to seal to");
  FileKey key;
  random.Fill(key.mutable_view(KeyAccess::Token()));
  std::vector<Stanza> stanzas;
  bool has_passphrase = false;
  for (const auto& recipient : recipients) {
    TRY(Stanza stanza, recipient->Wrap(key, random));
    has_passphrase = has_passphrase || stanza.type == kScryptType;
    stanzas.push_back(std::move(stanza));
  }
  if (has_passphrase && recipients.size() > 1) {
    return InvalidArgument("a file that a passphrase opens has no other recipients: seal it twice");
  }
  if (has_passphrase && !settings.markers.empty()) {
    return InvalidArgument("a file that a passphrase opens holds neither a folder nor a signature");
  }
  for (const std::string& marker : settings.markers) stanzas.push_back({marker, {}, {}});
  if (stanzas.size() > kMaxStanzas) {
    return InvalidArgument("a file has at most 20,000 recipients: seal it several times");
  }

  auto sealer = std::unique_ptr<AgeSealer>(new AgeSealer);
  if (settings.is_armored) sealer->armor_.emplace(out);
  ByteSink& sink = sealer->armor_ ? static_cast<ByteSink&>(*sealer->armor_) : out;
  TRY_VOID(sink.Write(AsBytes(AgeHeader::Make(std::move(stanzas), key).text())));
  TRY(sealer->payload_, PayloadSealer::Start(sink, key, random, settings.threads));
  return sealer;
}

Result<void> AgeSealer::Finish() {
  TRY_VOID(payload_->Finish());
  return armor_ ? armor_->Finish() : Result<void>();
}

Result<void> AgeSealer::SealAll(ByteSource& source, const Moved& moved) {
  TRY_VOID(payload_->CopyFrom(source, moved));
  return armor_ ? armor_->Finish() : Result<void>();
}

Result<std::unique_ptr<AgeOpener>> AgeOpener::Start(ByteSource& source) {
  auto opener = std::unique_ptr<AgeOpener>(new AgeOpener(source));
  TRY(const bool is_armored, IsArmored(opener->outer_));
  if (is_armored) {
    opener->armor_.emplace(opener->outer_);
    opener->inner_.emplace(*opener->armor_);
  }
  TRY(opener->header_, AgeHeader::Read(is_armored ? *opener->inner_ : opener->outer_));
  if (opener->header_->Has(kScryptType) && opener->header_->stanzas().size() != 1) {
    return VerificationFailed("a file with a passphrase must have no other recipient");
  }
  return opener;
}

std::uint64_t ContentBytes(std::uint64_t payload_bytes) {
  if (payload_bytes < kPayloadNonceBytes) return 0;
  const std::uint64_t sealed = payload_bytes - kPayloadNonceBytes;
  const std::uint64_t chunks = (sealed + kSealedChunkBytes - 1) / kSealedChunkBytes;
  return sealed - std::min(sealed, chunks * (kSealedChunkBytes - kChunkBytes));
}

Result<std::uint64_t> AgeOpener::CountPayload() {
  ByteSource& payload = inner_ ? *inner_ : outer_;
  Bytes piece(kSealedChunkBytes);
  for (std::uint64_t total = 0;;) {
    TRY(const std::size_t size, payload.Read(piece));
    total += size;
    if (size < piece.size()) return ContentBytes(total);
  }
}

Result<std::size_t> AgeOpener::Unlock(const Identities& identities) {
  // A stanza that is garbled hides no key that opens another one: the header's MAC covers them all,
  // so that who has made it is who has made the garbled one.
  std::optional<Error> failure;
  for (std::size_t i = 0; i < identities.size(); ++i) {
    Result<std::optional<FileKey>> key = identities[i]->Unwrap(header_->stanzas());
    if (key && !*key) continue;
    const Result<void> verified = key ? header_->Verify(**key) : Result<void>(key.error());
    if (verified) {
      key_ = *std::move(key);
      return i;
    }
    if (!failure) failure = verified.error();
  }
  if (failure) return *std::move(failure);
  if (header_->Has(kPostQuantumType)) {
    return FailedPrecondition(
        "no identity matches: the file is sealed to post-quantum keys (mlkem768x25519), which need "
        "ML-KEM, which no library of Debian 12 has");
  }
  return FailedPrecondition("no identity matches: the file is sealed to somebody else");
}

Result<void> AgeOpener::OpenAll(ByteSink& out, const Moved& moved, unsigned threads) {
  CHECK(key_.has_value());
  return OpenPayload(inner_ ? *inner_ : outer_, out, *key_, threads, moved);
}

}  // namespace salus::seal
