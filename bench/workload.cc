#include "bench/workload.h"

#include <array>
#include <cstring>
#include <numeric>
#include <string_view>

#include "base/check.h"

namespace salus::bench {

namespace {

// 2025-11-03T00:00:00Z: a Monday that is over everywhere, so that no clock finds it in the future.
constexpr std::uint64_t kFirstDayMs = 0;
constexpr std::uint64_t kDayMs = 86'400'000;
constexpr std::string_view kDay = "2025-11-03T";

constexpr std::array<std::string_view, 8> kActions = {"read",   "read",   "read",  "query",
                                                      "change", "create", "print", "copy"};
constexpr std::array<std::string_view, 8> kRecords = {
    "Observation/", "Observation/", "DiagnosticReport/",  "MedicationRequest/",
    "Condition/",   "Encounter/",   "DocumentReference/", "AllergyIntolerance/"};
constexpr std::array<std::string_view, 4> kPurposes = {"TREAT", "TREAT", "HPAYMT", "ETREAT"};
constexpr std::array<std::string_view, 4> kRoles = {"physician", "nurse", "pharmacist", "clerk"};
constexpr std::array<std::string_view, 8> kDepartments = {
    "Radiology", "Cardiology", "Emergency", "Oncology",
    "Surgery",   "Pediatrics", "Neurology", "Internal Medicine"};
// What fills a line up to its length: a ward's address, as long as need be.
constexpr std::string_view kAddress =
    ", General Hospital of the Northern Region, Building 12, Third Floor, Ward 4 West, Station 7, "
    "Room 31, Desk 2, Terminal 118, Network Segment 42, Cabinet 9, Port 17, Patch Panel 3";

constexpr std::string_view kHex = "0123456789abcdef";

struct Cursor {
  char* at;

  void Put(std::string_view text) {
    std::memcpy(at, text.data(), text.size());
    at += text.size();
  }
  void Digits(std::uint64_t value, int width) {
    for (int i = width - 1; i >= 0; --i, value /= 10) at[i] = kHex[value % 10];
    at += width;
  }
  void Hex(std::uint64_t value, int width) {
    for (int i = width - 1; i >= 0; --i, value >>= 4) at[i] = kHex[value & 15];
    at += width;
  }
  // A UUID of version 4.
  void Uuid(std::uint64_t high, std::uint64_t low) {
    Hex(high >> 32, 8);
    Put("-");
    Hex(high >> 16, 4);
    Put("-4");
    Hex(high, 3);
    Put("-");
    Hex(8 | (low >> 62), 1);
    Hex(low >> 48, 3);
    Put("-");
    Hex(low, 12);
  }
  void Time(std::uint64_t ms_of_day) {
    Put(kDay);
    Digits(ms_of_day / 3'600'000, 2);
    Put(":");
    Digits(ms_of_day / 60'000 % 60, 2);
    Put(":");
    Digits(ms_of_day / 1000 % 60, 2);
    Put(".");
    Digits(ms_of_day % 1000, 3);
    Put("Z");
  }
};

}  // namespace

// Vose's alias method: one draw costs one random number and one look into a table.
Workload::Workload(std::uint64_t seed, std::uint32_t patients)
    : random_(seed), slots_(patients), time_ms_(kFirstDayMs) {
  CHECK(patients > 0);
  std::vector<double> share(patients);
  double total = 0;
  for (std::uint32_t i = 0; i < patients; ++i) total += share[i] = 1.0 / (i + 1.0);
  std::vector<std::uint32_t> small;
  std::vector<std::uint32_t> large;
  for (std::uint32_t i = 0; i < patients; ++i) {
    share[i] *= patients / total;
    (share[i] < 1 ? small : large).push_back(i);
    slots_[i] = {0xffffffff, i};
  }
  while (!small.empty() && !large.empty()) {
    const std::uint32_t less = small.back();
    const std::uint32_t more = large.back();
    small.pop_back();
    slots_[less] = {static_cast<std::uint32_t>(share[less] * 0xffffffff), more};
    share[more] -= 1 - share[less];
    if (share[more] < 1) {
      large.pop_back();
      small.push_back(more);
    }
  }
}

std::uint32_t Workload::DrawPatient() {
  const std::uint64_t draw = random_.Next();
  const auto i = static_cast<std::uint32_t>(((draw >> 32) * slots_.size()) >> 32);
  return static_cast<std::uint32_t>(draw) <= slots_[i].threshold ? i : slots_[i].other;
}

std::uint32_t Workload::Skip() {
  const std::uint32_t patient = DrawPatient();
  for (int i = 0; i < 3; ++i) random_.Next();
  return patient;
}

void Workload::Append(std::size_t count, std::string& out) {
  out.reserve(out.size() + count * kLineBytes);
  for (std::size_t i = 0; i < count; ++i) AppendEvent(DrawPatient(), out);
}

void Workload::AppendFor(std::uint32_t patient, std::string& out) {
  random_.Next();
  AppendEvent(patient, out);
}

void Workload::AppendEvent(std::uint32_t patient, std::string& out) {
  const std::uint64_t high = random_.Next();
  const std::uint64_t low = random_.Next();
  const std::uint64_t bits = random_.Next();
  const auto user = static_cast<std::uint32_t>((bits >> 32) % kUsers);
  const std::string_view end = "\"}\n";

  std::array<char, kLineBytes> line;
  Cursor cursor{line.data()};
  cursor.Put(R"({"id":")");
  cursor.Uuid(high, low);
  cursor.Put(R"(","time":")");
  cursor.Time(time_ms_++ % kDayMs);
  cursor.Put(R"(","patient":"MRN-)");
  cursor.Digits(patient, 7);
  cursor.Put(R"(","user":"staff-)");
  cursor.Digits(user, 4);
  cursor.Put(R"(","action":")");
  cursor.Put(kActions[bits & 7]);
  cursor.Put(R"(","record":")");
  cursor.Put(kRecords[bits >> 3 & 7]);
  cursor.Digits(bits >> 12 & 0xffffff, 8);
  cursor.Put(R"(","purpose":")");
  cursor.Put(kPurposes[bits >> 6 & 3]);
  cursor.Put((bits >> 8 & 15) == 0 ? R"(","outcome":8,"role":")" : R"(","outcome":0,"role":")");
  cursor.Put(kRoles[user & 3]);
  cursor.Put(R"(","organization":")");
  cursor.Put(kDepartments[user >> 2 & 7]);
  const auto left = static_cast<std::size_t>(line.data() + line.size() - cursor.at) - end.size();
  CHECK(left <= kAddress.size());
  cursor.Put(kAddress.substr(0, left));
  cursor.Put(end);
  out.append(line.data(), line.size());
}

std::string Workload::PatientId(std::uint32_t patient) {
  std::string id = "MRN-0000000";
  Cursor{id.data() + 4}.Digits(patient, 7);
  return id;
}

}  // namespace salus::bench
