// Whom a file is sealed to, and with what it is opened, as the command line says it.
#pragma once

#include <string>
#include <vector>

#include "apps/salus/session.h"
#include "seal/age_header.h"
#include "seal/recipient.h"

namespace salus::cli {

// CheckStandardInput: at most one of IN and the files of keys is the standard input.
//
// Errors: usage.
Result<void> CheckStandardInput(Session& session);

// RecipientsOf reads -r (a key, a file, or patient:ID and auditor:ID of --data), -R and -p.
//
// Errors: usage when there is none; those of each recipient, with its place.
Result<seal::Recipients> RecipientsOf(Session& session);

// GivenRecipients are those of one -r, -R or -p.
struct GivenRecipients {
  std::string given;  // what stood on the command line; empty for a passphrase
  seal::Recipients recipients;
};

// RecipientsAsGiven reads what RecipientsOf reads, and keeps apart what was given apart.
Result<std::vector<GivenRecipients>> RecipientsAsGiven(Session& session);
seal::Recipients Together(std::vector<GivenRecipients> all);

// NamedIdentities reads -i alone; none where it is not given.
//
// Errors: those of each identity, with its place.
Result<seal::Identities> NamedIdentities(Session& session);

// IdentitiesOf reads -i, or asks for the passphrase where the file has one.
//
// Errors: usage when none is given; those of each identity, with its place.
Result<seal::Identities> IdentitiesOf(Session& session, const seal::AgeHeader& header);

// PassphraseOfKey asks for the passphrase of a key file that has one, or reads it where the command
// line says.
Result<SecretBytes> PassphraseOfKey(Session& session);

// IdentitiesOfMany are those for files whose headers are not known yet: -i, and the passphrase
// where -p or a file of it is given.
//
// Errors: usage when none is given; those of each identity, with its place.
Result<seal::Identities> IdentitiesOfMany(Session& session);

}  // namespace salus::cli
