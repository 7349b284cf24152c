// SignedContentWriter and SignedContentReader sign inside a seal: first signed, then sealed, with
// the recipients named in what is signed, so that nobody who opens the file can pass it on to
// others as if it had been meant for them.
//
// Source: docs/formats/signed-files.md. RFC 7515 flattened, typ "salus-sealed"; the payload is RFC
//         8785 JSON {"holds":"file" or "folder","recipients":[...],"sha256":hex,"size":n,
//         "time":RFC 3339}.
// Shape:  content || JWS || length of the JWS (4 bytes, big-endian) || "SALUSIG1"; the JWS at most
//         64 KiB, which is some 700 X25519 recipients or 120 RSA ones. Names of recipients are
//         Recipient::Name(), sorted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/sha256.h"
#include "seal/recipient.h"
#include "seal/signer.h"
#include "seal/stream.h"

namespace salus::seal {

// Holds is what the content stands for: a signed archive may not come out as a file, nor a file be
// unpacked.
enum class Holds : std::uint8_t { kFile, kFolder };

// SignedContentWriter passes content on to out, which outlives it, and puts the trailer behind it.
class SignedContentWriter final : public ByteSink {
 public:
  SignedContentWriter(ByteSink& out, Holds holds) : out_(out), holds_(holds) {}

  // Check says what Finish would refuse, before there is any content.
  //
  // Errors: as SignerHeader; InvalidArgument when a recipient has no name (a passphrase), or the
  // names do not fit.
  static Result<void> Check(const Signer& signer, const Recipients& recipients);

  Result<void> Write(ByteSpan bytes) override;

  // Finish writes the trailer: once, when all content is written.
  //
  // Errors: as Check and out.
  Result<void> Finish(const Signer& signer, const Recipients& recipients, Timestamp time);

 private:
  ByteSink& out_;
  const Holds holds_;
  crypto::Sha256Stream hash_;
  std::uint64_t size_bytes_ = 0;
};

// OpenedFile is what its opener knows of the file's header.
struct OpenedFile {
  std::string own_name;             // Identity::Name() of the one that opened it
  std::size_t recipient_count = 0;  // stanzas that are no markers
  Holds holds = Holds::kFile;       // kFolder where the marker says so
};

// SignedContentReader takes the opened payload, and passes the content on to out without the
// trailer. Only Finish says whether the signature holds: until then nothing of out may be used.
class SignedContentReader final : public ByteSink {
 public:
  explicit SignedContentReader(ByteSink& out) : out_(out) {}

  Result<void> Write(ByteSpan bytes) override;

  // Finish checks the signature, the content's hash and size, that the signer signed what the
  // header says that it is, and named this opener, and as many recipients as the file has.
  //
  // Errors: VerificationFailed with what does not hold; those of out.
  Result<VerifiedSignature> Finish(const OpenedFile& opened);

 private:
  Result<void> Release(std::size_t size);
  // CutTrailer takes the trailer off what is held back; returns its JWS.
  Result<std::string> CutTrailer();

  ByteSink& out_;
  crypto::Sha256Stream hash_;
  std::uint64_t size_bytes_ = 0;
  Bytes held_;
};

}  // namespace salus::seal
