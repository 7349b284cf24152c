// KeptReceipt is what a source keeps of each commit: the signed receipt, and what its leaves hold.
//
// Source: protocol.md P5.2; docs/formats/receipt.md.
// Shape:  one line of JSON a commit: {"source","note","first","own","beside":["b64url"],
//         "events":[{"id","index","leaf","tag","patient","system"}]}, events in the order of their
//         leaves; no system is "".
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "audit/receipt.h"
#include "base/result.h"
#include "client/private_file.h"
#include "codec/json.h"

namespace salus::client {

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

// OpenReceiptFile opens a file of such lines, to append to.
//
// Errors: as LineFile::Open; InvalidArgument when it begins with something else: it is not touched
//         then.
Result<LineFile> OpenReceiptFile(const std::filesystem::path& path);

// ReceiptToJson and ReceiptFromJson are the members "note", "first", "own" and "beside".
// Errors: InvalidArgument, with the member.
void ReceiptToJson(const audit::Receipt& receipt, codec::JsonObject& out);
Result<audit::Receipt> ReceiptFromJson(const codec::JsonObject& object);

}  // namespace salus::client
