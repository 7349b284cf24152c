#include "client/connection.h"

#include <fmt/format.h>

#include "client/json_read.h"
#include "client/secret_access.h"
#include "codec/hex.h"
#include "crypto/pkcs8.h"
#include "http/uri.h"
#include "jose/jwk.h"

namespace salus::client {
namespace {

constexpr char kJson[] = "application/json";
constexpr char kHistoryCbor[] = "application/vnd.salus.history+cbor";
constexpr std::size_t kHistoryLimitBytes = 64u << 20;  // a page
constexpr std::uint64_t kMaxListed = 10'000'000;

// A segment of dots alone would be a step in the path, not an id.
std::string At(std::string_view collection, std::string_view id) {
  std::string segment = http::PercentEncode(id);
  if (id == ".") segment = "%2E";
  if (id == "..") segment = "%2E%2E";
  return "/audit/v1/" + std::string(collection) + "/" + segment;
}

std::string SystemQuery(std::string_view system) {
  return system.empty() ? std::string() : "system=" + http::PercentEncode(system);
}

Result<codec::Json> JwkOf(const crypto::P256PublicKey& key) { return jose::Jwk(key).PublicJson(); }

Result<std::optional<crypto::P256PublicKey>> KeyAt(const codec::JsonObject& object,
                                                   std::string_view name) {
  TRY(const codec::JsonObject* member, codec::OptionalObjectAt(object, name));
  if (member == nullptr) return std::optional<crypto::P256PublicKey>();
  Result<jose::Jwk> jwk = jose::Jwk::FromJson(codec::Json(*member));
  if (!jwk) return std::move(jwk.error()).WithContext(name);
  const auto* key = std::get_if<crypto::P256PublicKey>(&jwk->material());
  if (key == nullptr) return InvalidArgument(std::string(name) + ": must be a P-256 key");
  return std::optional<crypto::P256PublicKey>(*key);
}

Result<std::uint64_t> EntryAt(const codec::JsonObject& object) {
  TRY(const auto entry, codec::OptionalIntAt(object, "entry"));
  return static_cast<std::uint64_t>(std::max<std::int64_t>(entry.value_or(0), 0));
}

Result<audit::PatientRow> ReadPatient(const codec::JsonObject& object) {
  audit::PatientRow row;
  TRY(const std::string id, TextAt(object, "id"));
  TRY(const std::string system, OptionalTextAt(object, "system"));
  TRY(row.subject, audit::Subject::Create(audit::SubjectKind::kPatient, system, id));
  TRY(row.name, OptionalTextAt(object, "name"));
  TRY(row.key, KeyAt(object, "key"));
  TRY(row.custody_key, KeyAt(object, "custody_key"));
  TRY(row.certificate_fingerprint, OptionalTextAt(object, "certificate_fingerprint"));
  TRY(row.origin.entry_index, EntryAt(object));
  return row;
}

Result<audit::AuditorRow> ReadAuditor(const codec::JsonObject& object) {
  TRY(const std::string id, TextAt(object, "id"));
  TRY(const audit::Subject subject, audit::Subject::Create(audit::SubjectKind::kAuditor, "", id));
  TRY(const std::string name, OptionalTextAt(object, "name"));
  TRY(const auto key, KeyAt(object, "key"));
  if (!key) return InvalidArgument("key: is missing");
  TRY(const std::uint64_t entry, EntryAt(object));
  return audit::AuditorRow{subject, name, *key, {entry, {}}};
}

Result<audit::SourceRow> ReadSource(const codec::JsonObject& object) {
  audit::SourceRow row;
  TRY(row.id, TextAt(object, "id"));
  TRY(row.name, OptionalTextAt(object, "name"));
  TRY(const std::uint64_t number, CountAt(object, "number"));
  if (number > 65'535) return InvalidArgument("number: must be below 65536");
  row.number = static_cast<std::uint16_t>(number);
  TRY(row.origin.entry_index, EntryAt(object));
  return row;
}

Result<audit::MandateRow> ReadMandate(const codec::JsonObject& object) {
  audit::MandateRow row;
  TRY(const std::string auditor, TextAt(object, "auditor"));
  TRY(row.auditor, audit::Subject::Create(audit::SubjectKind::kAuditor, "", auditor));
  TRY(row.mandate, audit::Subject::Create(audit::SubjectKind::kMandate, "", auditor));
  TRY(const codec::JsonArray* patients, codec::ArrayAt(object, "patients"));
  for (const codec::Json& item : *patients) {
    TRY(const codec::JsonObject* patient, codec::AsObject(item, "patient"));
    TRY(const std::string id, TextAt(*patient, "id"));
    TRY(const std::string system, OptionalTextAt(*patient, "system"));
    TRY(audit::Subject subject, audit::Subject::Create(audit::SubjectKind::kPatient, system, id));
    row.patients.push_back(std::move(subject));
  }
  TRY(row.purpose, OptionalTextAt(object, "purpose"));
  TRY(const std::optional<Day> from, OptionalDayAt(object, "from"));
  if (!from) return InvalidArgument("from: is missing");
  row.from = *from;
  TRY(row.until, OptionalDayAt(object, "until"));
  TRY(row.origin.entry_index, EntryAt(object));
  return row;
}

// A custodian gets its own shares, the patient those that were released.
Result<CustodyState> ReadCustody(const codec::JsonObject& object, const audit::Subject& patient) {
  CustodyState state;
  TRY(state.custody_key, KeyAt(object, "custody_key"));
  TRY(state.patient_key, KeyAt(object, "patient_key"));
  TRY(const auto threshold, codec::OptionalIntAt(object, "threshold"));
  state.threshold =
      static_cast<std::size_t>(std::clamp<std::int64_t>(threshold.value_or(0), 0, 255));
  TRY(const codec::JsonArray* released, codec::OptionalArrayAt(object, "released"));
  TRY(const codec::JsonArray* released_by, codec::OptionalArrayAt(object, "released_by"));
  TRY(const auto count, codec::OptionalIntAt(object, "released_count"));
  state.released_count =
      static_cast<std::size_t>(std::clamp<std::int64_t>(count.value_or(0), 0, 255));
  for (std::size_t i = 0; released != nullptr && i < released->size(); ++i) {
    if (!(*released)[i].is_string()) return InvalidArgument("released: must hold strings");
    audit::CustodyShareRow row;
    row.patient = patient;
    row.released_share = std::string_view((*released)[i].get_string());
    if (released_by != nullptr && i < released_by->size() && (*released_by)[i].is_string()) {
      row.custodian_id = std::string_view((*released_by)[i].get_string());
    }
    state.shares.push_back(std::move(row));
  }
  TRY(const codec::JsonArray* shares, codec::OptionalArrayAt(object, "shares"));
  for (std::size_t i = 0; shares != nullptr && i < shares->size(); ++i) {
    TRY(const codec::JsonObject* share, codec::AsObject((*shares)[i], "shares"));
    audit::CustodyShareRow row;
    row.patient = patient;
    TRY(row.custodian_id, OptionalTextAt(object, "custodian"));
    TRY(const std::uint64_t number, CountAt(*share, "number"));
    TRY(const std::uint64_t needed, CountAt(*share, "threshold"));
    if (number > 255 || needed > 255) return InvalidArgument("shares: a number is too large");
    row.share_number = static_cast<std::uint8_t>(number);
    row.threshold = static_cast<std::uint8_t>(needed);
    state.threshold = row.threshold;
    TRY(row.sealed_share, TextAt(*share, "share"));
    TRY(const auto is_released, codec::OptionalBoolAt(*share, "released"));
    state.is_own_released = is_released.value_or(false);
    state.shares.push_back(std::move(row));
  }
  return state;
}

// What does not parse is not what the API says: perhaps another version, or a proxy's page.
Error NoSuchAnswer(const std::string& where, const Error& error) {
  return Unavailable(where + ": the answer is not what the API says: " + error.message);
}

Call HistoryCall(const codec::JsonObject& body) {
  Call call;
  call.method = http::Method::kPost;
  call.path = "/audit/v1/history";
  call.content_type = kJson;
  call.body = codec::WriteJson(body);
  return call;
}

std::string HistoryQuery(const audit::HistoryQuestion& question) {
  std::string query = "after=" + std::to_string(question.after) +
                      "&known_size=" + std::to_string(question.known_size);
  if (question.from) query += "&from=" + codec::FormatDay(*question.from);
  if (question.to) query += "&to=" + codec::FormatDay(*question.to);
  if (question.wait_cosigned) query += "&wait=cosigned";
  if (!question.purpose.empty()) query += "&purpose=" + http::PercentEncode(question.purpose);
  return query;
}

}  // namespace

Connection::Connection(std::unique_ptr<Transport> api, std::unique_ptr<Transport> log)
    : api_(std::move(api)), log_(std::move(log)), where_(api_->where()) {}

Result<http::ClientOptions> TlsOptions(const PinnedServer& server,
                                       const pki::IdentityDirectory& identity) {
  if (identity.chain().empty()) {
    return FailedPrecondition(identity.path().string() +
                              " has no certificate yet: have its request.pem certified");
  }
  http::ClientOptions options;
  options.base_url = server.url;
  options.trust_anchors_pem = server.root_pem;
  for (const pki::Certificate& certificate : identity.chain()) {
    options.certificate_chain_pem += certificate.ToPem();
  }
  TRY(options.private_key,
      crypto::EncodePrivateKeyDer(crypto::PrivateKey(identity.signing_key().Clone())));
  return options;
}

Result<Connection> Connection::Open(const PinnedServer& server,
                                    const pki::IdentityDirectory* identity) {
  http::ClientOptions open;
  open.base_url = server.public_url;
  open.trust_anchors_pem = server.root_pem;
  TRY(std::unique_ptr<Transport> log, HttpsTransport::Create(std::move(open)));
  if (identity == nullptr) return Connection(std::move(log), nullptr);
  TRY(http::ClientOptions options, TlsOptions(server, *identity));
  TRY(std::unique_ptr<Transport> api, HttpsTransport::Create(std::move(options)));
  return Connection(std::move(api), std::move(log));
}

Result<CallAnswer> Connection::Ask(Transport& transport, const Call& call) {
  TRY(CallAnswer answer, transport.Send(call));
  if (answer.status < 200 || answer.status > 299) return ErrorOfAnswer(transport.where(), answer);
  return answer;
}

Result<codec::JsonObject> Connection::AskJson(const Call& call) { return AskJson(*api_, call); }

Result<codec::JsonObject> Connection::AskJson(Transport& transport, const Call& call) {
  TRY(const CallAnswer answer, Ask(transport, call));
  Result<codec::Json> json = codec::ParseJson(answer.body);
  if (!json) return NoSuchAnswer(where_, json.error());
  if (!json->is_object()) return NoSuchAnswer(where_, InvalidArgument("it is no object"));
  return std::move(json->get_object());
}

template <typename Row>
Result<Row> Connection::AskRow(const std::string& path,
                               Result<Row> (*read)(const codec::JsonObject&)) {
  Call call;
  call.path = path;
  TRY(const codec::JsonObject object, AskJson(call));
  Result<Row> row = read(object);
  if (!row) return NoSuchAnswer(where_, row.error());
  return row;
}

Result<void> Connection::SendJson(http::Method method, const std::string& path, std::string query,
                                  const codec::JsonObject& body) {
  Call call;
  call.method = method;
  call.path = path;
  call.query = std::move(query);
  call.content_type = kJson;
  call.body = codec::WriteJson(body);
  TRY_VOID(Ask(*api_, call));
  return {};
}

template <typename Row>
Result<std::vector<Row>> Connection::List(const std::string& name,
                                          Result<Row> (*read)(const codec::JsonObject&)) {
  std::vector<Row> rows;
  std::uint64_t offset = 0;
  while (true) {
    Call call;
    call.path = "/audit/v1/" + name;
    call.query = "offset=" + std::to_string(offset);
    TRY(const codec::JsonObject object, AskJson(call));
    const Result<const codec::JsonArray*> items = codec::ArrayAt(object, name);
    if (!items) return NoSuchAnswer(where_, items.error());
    for (const codec::Json& item : **items) {
      const Result<const codec::JsonObject*> one = codec::AsObject(item, name);
      if (!one) return NoSuchAnswer(where_, one.error());
      Result<Row> row = read(**one);
      if (!row) return NoSuchAnswer(where_, row.error());
      rows.push_back(*std::move(row));
    }
    if (!object.contains("next")) return rows;
    const Result<std::uint64_t> next = CountAt(object, "next");
    if (!next || *next <= offset || *next > kMaxListed) {
      return NoSuchAnswer(where_, InvalidArgument("next: does not go on"));
    }
    offset = *next;
  }
}

Result<WhoAmI> Connection::Me() {
  return AskRow<WhoAmI>("/audit/v1/whoami", [](const codec::JsonObject& object) -> Result<WhoAmI> {
    WhoAmI me;
    TRY(me.role, TextAt(object, "role"));
    TRY(me.id, TextAt(object, "id"));
    TRY(me.origin, TextAt(object, "origin"));
    return me;
  });
}

Result<void> Connection::PutPatient(const audit::PatientRow& row,
                                    std::string_view certificate_pem) {
  codec::JsonObject body;
  if (!row.name.empty()) body["name"] = row.name;
  if (!certificate_pem.empty()) {
    body["certificate"] = certificate_pem;
  } else if (row.key) {
    TRY(body["key"], JwkOf(*row.key));
  }
  // The system subject's reader is an officer, who puts its own key there.
  if (row.subject == audit::Subject::System()) {
    return SendJson(http::Method::kPut, "/audit/v1/system", "", body);
  }
  return SendJson(http::Method::kPut, At("patients", row.subject.id),
                  SystemQuery(row.subject.system), body);
}

Result<std::vector<audit::PatientRow>> Connection::ListPatients() {
  return List<audit::PatientRow>("patients", &ReadPatient);
}

Result<void> Connection::PutAuditor(const audit::AuditorRow& row,
                                    std::string_view certificate_pem) {
  codec::JsonObject body;
  if (!row.name.empty()) body["name"] = row.name;
  if (!certificate_pem.empty()) {
    body["certificate"] = certificate_pem;
  } else {
    TRY(body["key"], JwkOf(row.key));
  }
  return SendJson(http::Method::kPut, At("auditors", row.subject.id), "", body);
}

Result<std::vector<audit::AuditorRow>> Connection::ListAuditors() {
  return List<audit::AuditorRow>("auditors", &ReadAuditor);
}

Result<void> Connection::PutSource(std::string_view id, std::string_view name) {
  codec::JsonObject body;
  if (!name.empty()) body["name"] = name;
  return SendJson(http::Method::kPut, At("sources", id), "", body);
}

Result<std::vector<audit::SourceRow>> Connection::ListSources() {
  return List<audit::SourceRow>("sources", &ReadSource);
}

Result<std::uint64_t> Connection::OpenTask(const audit::TaskNotice& notice) {
  codec::JsonObject body;
  body["title"] = notice.title;
  body["purpose"] = notice.purpose;
  body["statistic"] = notice.statistic;
  body["min_participants"] = notice.min_participants;
  body["from"] = codec::FormatRfc3339(notice.from);
  body["until"] = codec::FormatRfc3339(notice.until);
  body["noise"] = notice.noise;
  body["definition"] = codec::HexEncode(notice.definition);
  return PutNotice("/audit/v1/tasks/" + codec::HexEncode(notice.task_id), "", body);
}

Result<std::uint64_t> Connection::ReleaseResult(const audit::ResultNotice& notice) {
  codec::JsonObject body;
  body["participants"] = notice.participants;
  body["result"] = notice.result;
  body["time"] = codec::FormatRfc3339(notice.time);
  body["evidence"] = codec::HexEncode(notice.evidence);
  const std::string query =
      notice.batch.empty() ? "" : "batch=" + http::PercentEncode(notice.batch);
  return PutNotice("/audit/v1/tasks/" + codec::HexEncode(notice.task_id) + "/result", query, body);
}

Result<std::uint64_t> Connection::PutNotice(const std::string& path, std::string query,
                                            const codec::JsonObject& body) {
  Call call;
  call.method = http::Method::kPut;
  call.path = path;
  call.query = std::move(query);
  call.content_type = kJson;
  call.body = codec::WriteJson(body);
  TRY(const codec::JsonObject answer, AskJson(call));
  Result<std::uint64_t> index = CountAt(answer, "entry");
  if (!index) return NoSuchAnswer(where_, index.error());
  return index;
}

Result<codec::JsonObject> Connection::NoticesPage(std::uint64_t offset) {
  Call call;
  call.path = "/audit/v1/tasks";
  call.query = "offset=" + std::to_string(offset);
  return AskJson(log_ ? *log_ : *api_, call);
}

Result<std::string> Connection::Certify(std::string_view request_pem, pki::Role role,
                                        std::string_view id) {
  codec::JsonObject body;
  body["request"] = request_pem;
  body["role"] = pki::RoleName(role);
  body["id"] = id;
  Call call;
  call.method = http::Method::kPost;
  call.path = "/pki/v1/certificates";
  call.content_type = kJson;
  call.body = codec::WriteJson(body);
  TRY(const codec::JsonObject object, AskJson(call));
  const Result<std::string> chain = TextAt(object, "chain");
  if (!chain) return NoSuchAnswer(where_, chain.error());
  return chain;
}

Result<void> Connection::PutMandate(std::string_view auditor_id,
                                    std::span<const audit::Subject> patients,
                                    std::string_view purpose, std::optional<Day> from,
                                    std::optional<Day> until) {
  codec::JsonObject body;
  codec::JsonArray list;
  for (const audit::Subject& patient : patients) {
    codec::JsonObject one;
    one["id"] = patient.id;
    if (!patient.system.empty()) one["system"] = patient.system;
    list.push_back(std::move(one));
  }
  body["patients"] = std::move(list);
  if (!purpose.empty()) body["purpose"] = purpose;
  if (from) body["from"] = codec::FormatDay(*from);
  if (until) body["until"] = codec::FormatDay(*until);
  return SendJson(http::Method::kPut, At("mandates", auditor_id), "", body);
}

Result<void> Connection::ConfirmClock() {
  return SendJson(http::Method::kPost, "/audit/v1/clock", "", {});
}

Result<audit::MandateRow> Connection::GetMandate(std::string_view auditor_id) {
  return AskRow<audit::MandateRow>(At("mandates", auditor_id), &ReadMandate);
}

Result<Bytes> Connection::AskHistoryPage(Call call) {
  call.answer_limit_bytes = kHistoryLimitBytes;
  TRY(const CallAnswer answer, Ask(*api_, call));
  if (answer.content_type != kHistoryCbor) {
    return NoSuchAnswer(where_, InvalidArgument("it has another media type"));
  }
  return ToBytes(answer.body);
}

// The pages are asked for one after the other. Every one of them is a POST, which names nobody in
// its path.
Result<Bytes> Connection::AskHistory(Call call) {
  TRY(Bytes first, AskHistoryPage(std::move(call)));
  return audit::AssembleHistory(std::move(first), [this](std::string_view token) {
    codec::JsonObject body;
    body["page"] = token;
    return AskHistoryPage(HistoryCall(body));
  });
}

Result<Bytes> Connection::History(const audit::HistoryQuestion& question) {
  codec::JsonObject body;
  const bool is_mandate = question.subject.kind == audit::SubjectKind::kMandate;
  body[is_mandate ? "mandate" : "patient"] = question.subject.id;
  if (question.mandate_tag) body["tag"] = codec::HexEncode(question.mandate_tag->span());
  if (!question.under.empty()) body["under"] = question.under;
  if (!question.subject.system.empty()) body["system"] = question.subject.system;
  body["after"] = question.after;
  if (question.from) body["from"] = codec::FormatDay(*question.from);
  if (question.to) body["to"] = codec::FormatDay(*question.to);
  body["known_size"] = question.known_size;
  if (question.wait_cosigned) body["wait"] = "cosigned";
  if (!question.purpose.empty()) body["purpose"] = question.purpose;
  return AskHistory(HistoryCall(body));
}

Result<Bytes> Connection::OwnHistory(const audit::HistoryQuestion& question) {
  Call call;
  call.path = "/audit/v1/history/me";
  call.query = HistoryQuery(question);
  return AskHistory(std::move(call));
}

Result<void> Connection::ShareDays(std::string_view auditor_id, Day from, Day to,
                                   std::string_view sealed_keys_jwe) {
  codec::JsonObject body;
  body["auditor"] = auditor_id;
  body["from"] = codec::FormatDay(from);
  body["to"] = codec::FormatDay(to);
  body["sealed"] = sealed_keys_jwe;
  return SendJson(http::Method::kPost, "/audit/v1/shares", "", body);
}

Result<SourceEntry> Connection::EntryOf(merkle::LeafIndex index) {
  return AskRow<SourceEntry>("/audit/v1/entries/" + std::to_string(index.value),
                             &SourceEntry::FromJson);
}

Result<CustodyState> Connection::Custody(const audit::Subject& patient) {
  Call call;
  call.path = At("custody", patient.id);
  call.query = SystemQuery(patient.system);
  TRY(const codec::JsonObject object, AskJson(call));
  Result<CustodyState> state = ReadCustody(object, patient);
  if (!state) return NoSuchAnswer(where_, state.error());
  return state;
}

Result<void> Connection::ReleaseShare(const audit::Subject& patient,
                                      std::string_view released_share) {
  codec::JsonObject body;
  body["share"] = released_share;
  return SendJson(http::Method::kPost, At("custody", patient.id) + "/release",
                  SystemQuery(patient.system), body);
}

Result<std::string> Connection::Checkpoint() {
  Call call;
  call.path = "/log/checkpoint";
  TRY(CallAnswer answer, Ask(log_ ? *log_ : *api_, call));
  return std::move(answer.body);
}

Result<Bytes> Connection::Tile(const merkle::TileId& id) {
  Call call;
  call.path = "/log/" + id.Path();
  TRY(const CallAnswer answer, Ask(log_ ? *log_ : *api_, call));
  return ToBytes(answer.body);
}

Result<Bytes> Connection::Bundle(const merkle::TileId& id) {
  Call call;
  call.path = "/log/" + id.EntriesPath();
  TRY(const CallAnswer answer, Ask(*api_, call));
  return ToBytes(answer.body);
}

Result<Bytes> Connection::Updates(std::uint64_t first, std::uint64_t last) {
  Call call;
  call.path = fmt::format("/log/updates/{}-{}", first, last);
  TRY(const CallAnswer answer, Ask(*api_, call));
  return ToBytes(answer.body);
}

Result<Bytes> Connection::FirstEntry() {
  Call call;
  call.path = "/connect.json";
  TRY(const codec::JsonObject page, AskJson(log_ ? *log_ : *api_, call));
  TRY(const std::string text, TextAt(page, "genesis"));
  return codec::Base64UrlDecode(text);
}

Result<void> Connection::CheckReady() {
  Call call;
  call.path = "/readyz";
  TRY_VOID(Ask(log_ ? *log_ : *api_, call));
  return {};
}

}  // namespace salus::client
