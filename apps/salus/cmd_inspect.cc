// salus inspect.

#include <fmt/format.h>

#include <map>

#include "apps/salus/input_file.h"
#include "apps/salus/session.h"
#include "codec/json.h"
#include "seal/age_file.h"

namespace salus::cli {

namespace {

// What a header says without a key.
struct Outside {
  std::map<std::string, std::uint64_t> recipients;  // by type
  std::string scrypt_log_n;                         // empty without a passphrase
  bool is_archive = false;
  bool is_signed = false;
};

Outside OutsideOf(const seal::AgeHeader& header) {
  Outside outside;
  outside.is_archive = header.Has(seal::kArchiveMarker);
  outside.is_signed = header.Has(seal::kSignedMarker);
  for (const seal::Stanza& stanza : header.stanzas()) {
    const bool is_marker =
        stanza.type == seal::kArchiveMarker || stanza.type == seal::kSignedMarker;
    if (!is_marker) ++outside.recipients[stanza.type];
    if (stanza.type == "scrypt" && stanza.arguments.size() == 2) {
      outside.scrypt_log_n = stanza.arguments[1];
    }
  }
  return outside;
}

codec::JsonObject ReportOf(const Outside& outside, const seal::AgeOpener& opener,
                           std::uint64_t content_bytes) {
  codec::JsonArray recipients;
  for (const auto& [type, count] : outside.recipients) {
    recipients.push_back(codec::JsonObject{{"type", type}, {"count", count}});
  }
  codec::JsonObject report{
      {"format", "age-encryption.org/v1"},   {"armored", opener.is_armored()},
      {"recipients", std::move(recipients)}, {"holds", outside.is_archive ? "folder" : "file"},
      {"signed", outside.is_signed},         {"header_bytes", opener.header().size_bytes()},
      {"content_bytes", content_bytes}};
  if (!outside.scrypt_log_n.empty()) report["scrypt_log2_n"] = outside.scrypt_log_n;
  return report;
}

void Print(const Outside& outside, const seal::AgeOpener& opener, std::uint64_t content_bytes) {
  fmt::print("format      age v1{}\n", opener.is_armored() ? ", armored" : "");
  fmt::print("holds       a {}{}\n", outside.is_archive ? "folder" : "file",
             outside.is_signed ? ", signed (open it to see by whom)" : "");
  for (const auto& [type, count] : outside.recipients) {
    fmt::print("recipients  {} of type {}\n", count, Printable(type));
  }
  if (!outside.scrypt_log_n.empty()) {
    fmt::print("passphrase  2^{} rounds of scrypt\n", Printable(outside.scrypt_log_n));
  }
  fmt::print("header      {} bytes\n", opener.header().size_bytes());
  fmt::print("content     {} bytes{}\n", content_bytes,
             outside.is_signed ? ", the signature among them" : "");
}

Result<std::uint64_t> ContentBytesOf(const InputFile& input, seal::AgeOpener& opener) {
  if (!input.is_regular() || opener.is_armored()) return opener.CountPayload();
  return seal::ContentBytes(input.size_bytes() - opener.header().size_bytes());
}

Result<ExitCode> RunInspect(Session& session) {
  TRY(const OutputFormat format, session.Format());
  if (format != OutputFormat::kTable && format != OutputFormat::kJson) {
    return session.Usage("inspect writes a table or JSON");
  }
  TRY(const std::unique_ptr<InputFile> input, InputFile::Open(session.arguments().Text("FILE")));
  TRY(const std::unique_ptr<seal::AgeOpener> opener, seal::AgeOpener::Start(*input));
  const Outside outside = OutsideOf(opener->header());
  TRY(const std::uint64_t content_bytes, ContentBytesOf(*input, *opener));
  if (format == OutputFormat::kJson) {
    fmt::print("{}", codec::WriteJsonPretty(ReportOf(outside, *opener, content_bytes)));
  } else {
    Print(outside, *opener, content_bytes);
  }
  return ExitCode::kDone;
}

}  // namespace

void AddInspectCommands(std::vector<Command>& all) {
  all.push_back(
      {.noun = "inspect",
       .verb = "",
       .summary = "Show what a sealed file tells without being opened",
       .details = "Nothing of it is proven before the file is opened.",
       .examples = {"salus inspect report.pdf.age", "salus inspect --json report.pdf.age"},
       .flags = {{"--format", FlagKind::kText, "FORMAT", "table or json"},
                 {"--json", FlagKind::kSwitch, "", "the same as --format json"}},
       .positionals = {{"FILE", "the sealed file", true}},
       .run = RunInspect,
       .tampered_advice = "nothing was opened: it is no sealed file, or not as it was sealed."});
}

}  // namespace salus::cli
