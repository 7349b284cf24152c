// AgeSealer and AgeOpener are a whole sealed file: armor, header and payload.
//
// Source: C2SP age.md (age v1).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "seal/age_header.h"
#include "seal/age_payload.h"
#include "seal/armor.h"
#include "seal/recipient.h"

namespace salus::seal {

// Markers are stanzas of ours with an empty body that say what the payload is; the header's MAC
// covers them, and other readers of the format pass them over.
inline constexpr char kArchiveMarker[] = "salus/archive";  // a pax archive of a folder
inline constexpr char kSignedMarker[] =
    "salus/signed";  // content and a signature, signed_content.h

// Moved is told how many bytes of the input have been read so far.
using Moved = std::function<void(std::uint64_t)>;

struct SealSettings {
  bool is_armored = false;
  std::vector<std::string> markers;
  unsigned threads = DefaultThreads();
};

// AgeSealer is where plaintext is written to; out gets the sealed file.
class AgeSealer final : public ByteSink {
 public:
  // Start writes the header. out outlives the sealer.
  //
  // Errors: InvalidArgument when there is no recipient, or a passphrase and another one; those of
  // Recipient::Wrap and out.
  static Result<std::unique_ptr<AgeSealer>> Start(ByteSink& out, const Recipients& recipients,
                                                  const SealSettings& settings,
                                                  RandomSource& random);

  Result<void> Write(ByteSpan bytes) override { return payload_->Write(bytes); }
  // Finish ends the file; without it, it does not open.
  Result<void> Finish();
  // SealAll is Write of all of source, and Finish.
  Result<void> SealAll(ByteSource& source, const Moved& moved = {});

 private:
  AgeSealer() = default;

  std::optional<ArmorSink> armor_;
  std::unique_ptr<PayloadSealer> payload_;
};

// ContentBytes is how much content a payload of so many bytes holds: without its nonce, and the tag
// of each chunk.
std::uint64_t ContentBytes(std::uint64_t payload_bytes);

// AgeOpener reads a sealed file in three steps: its header, its key, its payload.
class AgeOpener {
 public:
  // Start reads the header. source outlives the opener.
  //
  // Errors: as AgeHeader::Read; VerificationFailed for armor that is not strict, and for a
  // passphrase beside other recipients.
  static Result<std::unique_ptr<AgeOpener>> Start(ByteSource& source);

  const AgeHeader& header() const { return *header_; }
  bool is_armored() const { return armor_.has_value(); }

  // CountPayload reads the rest, and returns how many bytes of content the payload has if it is
  // whole. Nothing of it is authenticated; nothing can be opened afterwards.
  //
  // Errors: those of the source; VerificationFailed for armor that is not strict.
  Result<std::uint64_t> CountPayload();

  // Unlock finds the identity that opens the file; returns its place in identities.
  //
  // Errors: VerificationFailed when none does and, by one of them, the header was changed or a
  // stanza is malformed; FailedPrecondition when there is nothing for any of them.
  Result<std::size_t> Unlock(const Identities& identities);

  // OpenAll writes the payload to out, chunk by chunk, each authenticated; after Unlock, once.
  //
  // Errors: as OpenPayload; VerificationFailed for armor that is not strict.
  Result<void> OpenAll(ByteSink& out, const Moved& moved = {}, unsigned threads = DefaultThreads());

 private:
  explicit AgeOpener(ByteSource& source) : outer_(source) {}

  BufferedSource outer_;
  std::optional<ArmorSource> armor_;
  std::optional<BufferedSource> inner_;  // over armor_
  std::optional<AgeHeader> header_;
  std::optional<FileKey> key_;
};

}  // namespace salus::seal
