#include "api/ingest_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "api/secret_access.h"
#include "codec/base64.h"

namespace salus::api {

namespace {

// Members of an event: an error about one of them begins with its name.
constexpr std::array<std::string_view, 17> kMembers = {
    "id",       "time",    "patient", "system",   "user",      "action",
    "record",   "purpose", "outcome", "role",     "user_name", "organization",
    "category", "place",   "detail",  "original", "seq"};

// What a line costs at most without its id, entry and patient.
constexpr std::size_t kLineBytes = 320;
constexpr std::size_t kPatientBytes = 320;

void AppendBase64Url(ByteSpan bytes, SecretText& out) {
  codec::Base64UrlEncodeInto(bytes, out.Extend(codec::Base64UrlSize(bytes.size())));
}

void AppendString(std::string_view text, SecretText& out) {
  std::string quoted;
  codec::AppendJsonString(text, quoted);
  out.Append(quoted);
}

template <typename... Args>
void AppendFormat(SecretText& out, fmt::format_string<Args...> format, Args&&... args) {
  std::array<char, 128> buffer;
  const auto end =
      fmt::format_to_n(buffer.data(), buffer.size(), format, std::forward<Args>(args)...);
  out.Append({buffer.data(), std::min(end.size, buffer.size())});
}

void AddPatient(std::uint64_t number, const audit::RecordedBatch::Patient& patient,
                SecretText& out) {
  AppendFormat(out, "{{\"patient\":{},\"id\":", number);
  AppendString(patient.subject.id, out);
  out.Append(",\"system\":");
  AppendString(patient.subject.system, out);
  // The tag is verified with the role in it: "patient" unless the line says otherwise.
  if (patient.subject.kind == audit::SubjectKind::kSystem) out.Append(",\"role\":\"system\"");
  out.Append(",\"tag\":\"");
  AppendBase64Url(patient.tag.tag.span(), out);
  out.Append("\",\"proof\":\"");
  AppendBase64Url(patient.tag.proof.bytes, out);
  out.Append("\"}\n");
}

// Runs of consecutive line numbers are written as "first-last", a single one as a number.
void AddLineRanges(const audit::RecordedBatch& batch, std::span<const std::uint32_t> places,
                   std::size_t before, SecretText& out) {
  out.Append("\"lines\":[");
  for (std::size_t i = 0; i < places.size();) {
    const std::size_t first = batch.lines[places[i]].line + before;
    std::size_t last = first;
    std::size_t next = i + 1;
    while (next < places.size() && batch.lines[places[next]].line + before == last + 1) {
      ++last;
      ++next;
    }
    out.Reserve(64);
    if (i != 0) out.Append(",");
    if (first == last) {
      AppendFormat(out, "{}", first);
    } else {
      AppendFormat(out, "\"{}-{}\"", first, last);
    }
    i = next;
  }
  out.Append("]}\n");
}

void AddReceipt(const audit::RecordedBatch& batch,
                const audit::RecordedBatch::CommitReceipt& commit, std::size_t before,
                SecretText& out) {
  const audit::Receipt& receipt = commit.receipt;
  out.Reserve(receipt.note.size() * 2 + receipt.beside.size() * 48 + 256);
  out.Append("{\"receipt\":{\"note\":");
  AppendString(receipt.note, out);
  AppendFormat(out, ",\"first\":{},\"own\":{},\"beside\":[", receipt.first, receipt.own);
  for (std::size_t i = 0; i < receipt.beside.size(); ++i) {
    out.Append(i == 0 ? "\"" : ",\"");
    AppendBase64Url(receipt.beside[i].span(), out);
    out.Append("\"");
  }
  out.Append("]},");
  AddLineRanges(batch, commit.lines, before, out);
}

}  // namespace

void SecretText::Reserve(std::size_t more) {
  if (bytes_.capacity() - bytes_.size() >= more) return;
  std::string larger;
  larger.reserve(bytes_.capacity() * 2 + more);
  larger.append(bytes_);
  WipeMemory(bytes_.data(), bytes_.size());
  bytes_.swap(larger);
}

MutableByteSpan SecretText::Extend(std::size_t size) {
  const std::size_t at = bytes_.size();
  bytes_.resize(at + size);
  return {reinterpret_cast<std::uint8_t*>(bytes_.data()) + at, size};
}

codec::JsonObject RefusedLine(std::size_t line, const Error& error) {
  codec::JsonObject refused;
  refused["line"] = line;
  refused["status"] = "refused";
  refused["error"] = CodeName(error.code);
  std::string_view detail = error.message;
  const std::size_t colon = detail.find(": ");
  const std::string_view member = detail.substr(0, colon);
  if (colon != std::string_view::npos &&
      std::find(kMembers.begin(), kMembers.end(), member) != kMembers.end()) {
    refused["member"] = member;
    detail.remove_prefix(colon + 2);
  }
  refused["detail"] = detail;
  return refused;
}

std::pair<std::uint64_t, bool> IngestAnswer::NumberOf(const audit::Subject& patient) {
  if (patients_.size() >= kMaxKnownPatients) patients_.clear();
  // No control character is in either part. The system subject is no patient of that name.
  const char* const kind = patient.kind == audit::SubjectKind::kSystem ? "\n" : "";
  const auto [found, is_new] =
      patients_.try_emplace(kind + patient.system + '\n' + patient.id, next_patient_);
  if (is_new) ++next_patient_;
  return {found->second, is_new};
}

void IngestAnswer::AddLine(const audit::RecordedBatch& batch, const audit::RecordedLine& line,
                           std::uint64_t patient, std::size_t first_line, SecretText& out) {
  const std::size_t number = first_line + line.line - 1;
  const bool is_repeat = line.outcome->kind == tlog::OutcomeKind::kRepeat;
  ++(is_repeat ? totals_.repeats : totals_.logged);
  AppendFormat(out, "{{\"line\":{},\"status\":\"{}\",\"id\":", number,
               is_repeat ? "repeat" : "logged");
  AppendString(line.event_id, out);
  AppendFormat(out, ",\"index\":{},\"leaf\":\"", line.outcome->index.value);
  AppendBase64Url(line.outcome->leaf_hash.span(), out);
  out.Append("\"");
  if (options_.with_keys && line.has_key) {
    out.Append(",\"key\":\"");
    AppendBase64Url(line.key.view(ApiSecrets::Token()), out);
    out.Append("\"");
  }
  if (options_.with_entries && line.entry_size > 0) {
    out.Append(",\"entry\":\"");
    AppendBase64Url(ByteSpan(batch.entries).subspan(line.entry_offset, line.entry_size), out);
    out.Append("\"");
  }
  AppendFormat(out, ",\"patient\":{}}}\n", patient);
}

void IngestAnswer::AddBatch(const audit::RecordedBatch& batch, std::size_t first_line,
                            SecretText& out) {
  out.Reserve(batch.lines.size() * kLineBytes +
              (options_.with_entries ? batch.entries.size() * 4 / 3 : 0) +
              batch.patients.size() * kPatientBytes + 4096);
  constexpr std::uint64_t kUnknown = ~std::uint64_t{0};
  std::vector<std::uint64_t> numbers(batch.patients.size(), kUnknown);
  for (const audit::RecordedLine& line : batch.lines) {
    // Ids and detail are text of the sender's, up to 128 and some bytes, escaped.
    out.Reserve(kLineBytes + 8 * 128 + line.entry_size * 4 / 3);
    if (!line.outcome) {
      ++totals_.refused;
      std::string text =
          codec::WriteJson(RefusedLine(first_line + line.line - 1, line.outcome.error()));
      out.Reserve(text.size() + 1);
      out.Append(text);
      out.Append("\n");
      continue;
    }
    std::uint64_t& number = numbers[line.patient];
    if (number == kUnknown) {
      const auto [known, is_new] = NumberOf(batch.patients[line.patient].subject);
      number = known;
      out.Reserve(kPatientBytes + 16 * 128);
      if (is_new) AddPatient(number, batch.patients[line.patient], out);
      out.Reserve(kLineBytes + 8 * 128 + line.entry_size * 4 / 3);
    }
    AddLine(batch, line, number, first_line, out);
  }
  for (const auto& commit : batch.receipts) AddReceipt(batch, commit, first_line - 1, out);
}

void IngestAnswer::AddFailure(const Error& error, std::size_t first_line, std::size_t lines,
                              SecretText& out) {
  for (std::size_t i = 0; i < lines; ++i) {
    ++totals_.refused;
    const std::string text = codec::WriteJson(RefusedLine(first_line + i, error));
    out.Reserve(text.size() + 1);
    out.Append(text);
    out.Append("\n");
  }
}

void IngestAnswer::AddEnd(const Error* error, SecretText& out) {
  codec::JsonObject end;
  end["done"] = error == nullptr;
  if (error != nullptr) {
    end["error"] = CodeName(error->code);
    end["detail"] = error->message;
  }
  end["logged"] = totals_.logged;
  end["repeats"] = totals_.repeats;
  end["refused"] = totals_.refused;
  const std::string text = codec::WriteJson(end);
  out.Reserve(text.size() + 1);
  out.Append(text);
  out.Append("\n");
}

}  // namespace salus::api
