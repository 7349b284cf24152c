#include "aggregate/prio3_layout.h"

#include <string>

namespace salus::aggregate {

Result<void> CheckSize(const char* what, std::size_t size_bytes, std::size_t wanted_bytes) {
  if (size_bytes == wanted_bytes) return {};
  return InvalidArgument(std::string(what) + " has " + std::to_string(size_bytes) + " bytes, not " +
                         std::to_string(wanted_bytes));
}

Result<void> Prio3Layout::CheckReport(const SecretBytes& verify_key, std::uint8_t aggregator,
                                      const ReportShare& report) const {
  if (aggregator >= shares) {
    return InvalidArgument("there is no aggregator " + std::to_string(aggregator) + " among " +
                           std::to_string(shares) + ", which count from 0");
  }
  TRY_VOID(CheckSize("the verify key", verify_key.size(), seed_bytes()));
  TRY_VOID(CheckSize("the nonce", report.nonce.size(), Prio3::kNonceBytes));
  TRY_VOID(CheckSize("the public share", report.public_share.size(), blind_bytes() * shares));
  return CheckSize("the input share", report.input_share->size(), input_share_bytes(aggregator));
}

Result<void> Prio3Layout::CheckCount(const char* what, std::size_t count) const {
  if (count == shares) return {};
  return InvalidArgument(std::to_string(count) + " " + what + ", where there are " +
                         std::to_string(shares) + " aggregators");
}

}  // namespace salus::aggregate
