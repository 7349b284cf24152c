// PeerSharing is how a report is cut into shares for the other parties, judged by them and summed:
// additively, so that all must answer, or by Shamir's polynomials, so that some may be lost.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "aggregate/peer_roster.h"
#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/pedersen.h"

namespace salus::aggregate {

// PeerReportPublic is what everybody sees of a report.
struct PeerReportPublic {
  std::array<std::uint8_t, 16> nonce{};
  Bytes public_share;
  Bytes commitment;  // of the sharing's own form
  // What the commitment says of each member's part of the sum, by position, once CheckReport has
  // decoded it: each partial sum needs it again.
  std::vector<crypto::PedersenCommitment> by_member = {};
};

struct PeerShares {
  PeerReportPublic report;
  std::vector<SecretBytes> shares;  // by position; the sender's own is what it keeps
};

// PeerDecision is whether a report's proof holds, and who of the judges answered wrongly.
struct PeerDecision {
  std::optional<Bytes> message;  // the verifier message; nothing when the proof does not hold
  std::vector<std::size_t> wrong_judges;
};

// PeerSharing knows the session and its members, whose positions are 0 to n - 1 in roster order.
// Nobody judges their own report: who did could make any proof hold.
//
// Threads: immutable, safe to share.
class PeerSharing {
 public:
  using Answers = std::span<const std::optional<Bytes>>;  // by position; nothing: no answer

  virtual ~PeerSharing() = default;

  virtual std::size_t members() const = 0;
  // answers_needed is how many members must take part in each step after the first.
  virtual std::size_t answers_needed() const = 0;
  // may_show is how many shares of one report may be shown to all, as evidence, so that they and
  // any one member's own share still tell nothing.
  virtual std::size_t may_show() const = 0;

  // Errors: InvalidArgument when the measurement is out of its limits.
  virtual Result<PeerShares> Share(std::span<const std::uint64_t> measurement, std::size_t self,
                                   RandomSource& random) const = 0;

  // CheckReport says whether the public part is well formed, and prepares it for CheckPartialSum.
  //
  // Errors: VerificationFailed.
  virtual Result<void> CheckReport(PeerReportPublic& report, std::size_t sender) const = 0;

  // CheckShare says whether a share is one, and the one that its sender committed to. After it no
  // later step of an honest judge can fail for that share.
  //
  // Errors: VerificationFailed.
  virtual Result<void> CheckShare(const PeerReportPublic& report, std::size_t sender,
                                  std::size_t judge, const SecretBytes& share) const = 0;

  // VerifierShare is the judge's part of the proof.
  //
  // Errors: VerificationFailed when the share is none.
  virtual Result<Bytes> VerifierShare(const SecretBytes& verify_key, const PeerReportPublic& report,
                                      std::size_t sender, std::size_t judge,
                                      const SecretBytes& share) const = 0;

  // Decide puts the judges' parts together; the sender's place is not looked at.
  //
  // Errors: Unavailable when too few answered.
  virtual Result<PeerDecision> Decide(const PeerReportPublic& report, std::size_t sender,
                                      Answers verifier_shares) const = 0;

  // ReportShare is one report of a sum: its public part, and a member's share of it.
  struct ReportShare {
    std::size_t sender;
    const PeerReportPublic* report;
    const SecretBytes* share;  // null where only the public part matters
  };

  // PartialSum adds up a member's shares of the reports that hold, its own included.
  virtual Result<Bytes> PartialSum(std::span<const ReportShare> reports,
                                   std::size_t member) const = 0;

  // CheckPartialSum says whether a partial sum is what its member had committed to receive.
  //
  // Errors: VerificationFailed.
  virtual Result<void> CheckPartialSum(std::span<const ReportShare> reports, std::size_t member,
                                       ByteSpan partial_sum) const = 0;

  // Totals is the sum, and who of the members gave a wrong part of it.
  struct Totals {
    std::vector<unsigned __int128> totals;
    std::vector<std::size_t> wrong_members;
  };
  // Errors: VerificationFailed when parts do not fit and it can't be said whose; Unavailable when
  // there are too few.
  virtual Result<Totals> Unshard(Answers partial_sums, std::uint64_t count) const = 0;
};

// PeerSharingMaker makes the sharing of a session once it is known who joined. Tests put parties in
// that do not follow the protocol.
using PeerSharingMaker = std::function<Result<std::unique_ptr<const PeerSharing>>(
    const PeerRoster& roster, std::span<const PeerId> members)>;

// MakeSharing is what the roster asks for.
//
// Errors: InvalidArgument when its circuit can't be shared so.
Result<std::unique_ptr<const PeerSharing>> MakeSharing(const PeerRoster& roster,
                                                       std::span<const PeerId> members);

}  // namespace salus::aggregate
