// KeptReceipt is what a source keeps of each commit: the signed receipt, and what its leaves hold.
// `salus audit reconcile` compares it with the log.
//
// Source: protocol.md P5.2; docs/formats/receipt.md.
// Shape:  one line of JSON a commit: {"source","note","first","own","beside":["b64url"],
//         "events":[{"id","index","leaf","tag","patient","system"}]}, events in the order of their
//         leaves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audit/receipt.h"
#include "base/result.h"

namespace salus::cli {

struct KeptReceipt {
  // Event is one leaf, with the patient that the source named.
  struct Event {
    std::string id;
    merkle::LeafIndex index;
    merkle::LeafHash leaf;
    audit::SubjectTag tag;
    std::string patient;
    std::string system;
  };
  std::string source;
  audit::Receipt receipt;
  std::vector<Event> events;

  // ToLine ends in a newline.
  std::string ToLine() const;
  // Errors: InvalidArgument, with the member.
  static Result<KeptReceipt> Parse(std::string_view line);

  // Verify checks that the log's receipt key signed exactly these leaves.
  // Errors: VerificationFailed.
  Result<audit::ReceiptBody> Verify(const std::string& origin,
                                    const std::string& receipt_vkey) const;
};

}  // namespace salus::cli
