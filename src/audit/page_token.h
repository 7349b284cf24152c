// PageToken is what a server remembers of an answer between its pages, handed to the asker to keep.
//
// Source: protocol.md P6.2; docs/formats/history.md.
// Shape:  base64url of HMAC-SHA-256 (32 bytes) and the CBOR array that it is over. Opaque to
// clients.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/subject.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/hmac.h"
#include "merkle/types.h"

namespace salus::audit {

struct PageToken {
  Subject asker;
  Subject subject;
  merkle::TreeSize size;  // of the checkpoint of the first page
  // Entries of begin <= index < end are shown, as the first page's brackets say.
  std::uint64_t shown_begin = 0;
  std::uint64_t shown_end = 0;
  std::uint64_t after = 0;     // entries of the chain that the asker knows
  std::uint64_t count = 0;     // entries of the chain under that checkpoint
  std::uint64_t position = 0;  // how many of them stand before the page
  Timestamp expires;
};

// PageTokenSigner makes and checks tokens under a key of this process: after a restart none counts.
//
// Threads: immutable, safe to share.
class PageTokenSigner {
 public:
  explicit PageTokenSigner(RandomSource& random);

  std::string Sign(const PageToken& token) const;
  // Errors: FailedPrecondition, what to do, when it is not one of this process, or too old.
  Result<PageToken> Open(std::string_view text, Timestamp now) const;

 private:
  crypto::HmacSha256Key key_;
};

}  // namespace salus::audit
