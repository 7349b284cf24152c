#pragma once

#include <string>

#include "audit/directory.h"

namespace salus::audit {

// DecodePatientRow and the others read what EncodeRow wrote; the origin is not part of it.
//
// Source: docs/formats/directory.md.
// Shape:  one deterministic CBOR map with the labels 1 to n.
// Errors: Corruption or InvalidArgument when bytes is not exactly such an encoding.
Result<PatientRow> DecodePatientRow(ByteSpan bytes);
Result<AuditorRow> DecodeAuditorRow(ByteSpan bytes);
Result<SourceRow> DecodeSourceRow(ByteSpan bytes);
Result<CustodianRow> DecodeCustodianRow(ByteSpan bytes);
Result<MandateRow> DecodeMandateRow(ByteSpan bytes);

// KeyOf serves SQLite and the maps in memory only: what counts is in a row's content.
std::string KeyOf(const Subject& subject);
std::string KeyOf(const Row& row);
StoredRow::Kind KindOf(const Row& row);

}  // namespace salus::audit
