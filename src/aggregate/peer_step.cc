#include "aggregate/peer_step.h"

namespace salus::aggregate {

std::string_view PeerStepName(PeerStep step) {
  switch (step) {
    case PeerStep::kJoin:
      return "join";
    case PeerStep::kReport:
      return "report";
    case PeerStep::kReceipt:
      return "receipt";
    case PeerStep::kCoin:
      return "coin";
    case PeerStep::kVerify:
      return "verify";
    case PeerStep::kVerdict:
      return "verdict";
    case PeerStep::kSum:
      return "sum";
    case PeerStep::kAbort:
      return "abort";
  }
  return "unknown";
}

}  // namespace salus::aggregate
