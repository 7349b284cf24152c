#include "aggregate/ping_pong.h"

#include <array>

#include "aggregate/dap_wire.h"

namespace salus::aggregate {
namespace {

Result<PingPongType> ReadType(DapReader& in) {
  TRY(const std::uint8_t type, in.U8("type"));
  if (type > static_cast<std::uint8_t>(PingPongType::kFinish)) {
    return in.Fault("type", "it is not initialize (0), continue (1) or finish (2)");
  }
  return static_cast<PingPongType>(type);
}

// The message that this step needs, of no other type.
Result<PingPongMessage> Expect(ByteSpan inbound, PingPongType type) {
  TRY(PingPongMessage message, PingPongMessage::Parse(inbound));
  if (message.type != type) {
    return InvalidArgument("ping-pong message: it is not the one that this step takes");
  }
  return message;
}

// The verification uses the part of the joint randomness that the helper derived, whatever the
// public share says in its place; the leader has the public share only. Where they differ the
// helper could accept a report that the leader must refuse, and the batch would never match again.
Result<void> CheckOwnPart(const Prio3& prio3, ByteSpan public_share, ByteSpan verifier_share) {
  const std::size_t part_bytes = prio3.public_share_bytes() / 2;
  if (Equal(public_share.last(part_bytes), verifier_share.last(part_bytes))) return {};
  return VerificationFailed(
      "the public share has another joint randomness than the helper's share");
}

}  // namespace

Result<PingPongMessage> PingPongMessage::Parse(ByteSpan bytes) {
  return ParseWhole("ping-pong message", bytes, [](DapReader& in) -> Result<PingPongMessage> {
    PingPongMessage message;
    TRY(message.type, ReadType(in));
    if (message.type != PingPongType::kInitialize) {
      TRY(const ByteSpan content, in.Vector<std::uint32_t>("verifier_message"));
      message.verifier_message = ToBytes(content);
    }
    if (message.type != PingPongType::kFinish) {
      TRY(const ByteSpan share, in.Vector<std::uint32_t>("verifier_share"));
      message.verifier_share = ToBytes(share);
    }
    return message;
  });
}

Bytes PingPongMessage::Encode() const {
  DapWriter out;
  out.U8(static_cast<std::uint8_t>(type));
  if (type != PingPongType::kInitialize) out.Vector<std::uint32_t>(verifier_message);
  if (type != PingPongType::kFinish) out.Vector<std::uint32_t>(verifier_share);
  return std::move(out).Take();
}

Result<LeaderVerification> PingPongLeaderInit(const Prio3& prio3, const SecretBytes& verify_key,
                                              ByteSpan context, const ReportShare& report) {
  TRY(Verification verification, prio3.VerifyInit(verify_key, context, 0, report));
  const PingPongMessage message = {.type = PingPongType::kInitialize,
                                   .verifier_message = {},
                                   .verifier_share = std::move(verification.verifier_share)};
  return LeaderVerification{std::move(verification.state), message.Encode()};
}

Result<HelperVerification> PingPongHelperInit(const Prio3& prio3, const SecretBytes& verify_key,
                                              ByteSpan context, const ReportShare& report,
                                              ByteSpan inbound) {
  TRY(const PingPongMessage message, Expect(inbound, PingPongType::kInitialize));
  TRY(Verification verification, prio3.VerifyInit(verify_key, context, 1, report));
  TRY_VOID(CheckOwnPart(prio3, report.public_share, verification.verifier_share));
  const std::array<ByteSpan, 2> shares = {message.verifier_share, verification.verifier_share};
  TRY(Bytes verifier_message, prio3.VerifierSharesToMessage(context, shares));
  TRY(SecretBytes output_share, prio3.VerifyNext(std::move(verification.state), verifier_message));
  const PingPongMessage outbound = {.type = PingPongType::kFinish,
                                    .verifier_message = std::move(verifier_message),
                                    .verifier_share = {}};
  return HelperVerification{std::move(output_share), outbound.Encode()};
}

Result<SecretBytes> PingPongLeaderContinued(const Prio3& prio3, VerifyState state,
                                            ByteSpan inbound) {
  TRY(const PingPongMessage message, Expect(inbound, PingPongType::kFinish));
  return prio3.VerifyNext(std::move(state), message.verifier_message);
}

}  // namespace salus::aggregate
