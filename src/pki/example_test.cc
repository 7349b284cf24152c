// The worked example of docs/formats/identity.md. All three were made with the openssl program, by
// the commands that stand there, so that this reads the format and not itself.
#include <gtest/gtest.h>

#include "codec/hex.h"
#include "pki/certificate.h"
#include "pki/certification_request.h"
#include "pki/path.h"

namespace salus::pki {
namespace {

constexpr char kRequest[] = R"(-----BEGIN CERTIFICATE REQUEST-----
MIIBlzCCATwCAQAwDjEMMAoGA1UEAwwDQWRhMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEUeGDRcS/cGDmr/3+Z9SaQjgjjL5sEmrvtPKTNdRpHphfXjUQPCP7riho
fHUylsqgbti4Coiu0M5RRKhM9fFdhqCByzCByAYJKoZIhvcNAQkOMYG6MIG3MD8G
A1UdEQQ4MDaGNHVybjpzYWx1czpzYWx1cy5leGFtcGxlL2hvc3BpdGFsLzIwMjY6
cGF0aWVudDpwLTAwMDEwdAYVaYPz9+7Gi8fKi4G/pKLa6NSGniYBBFswWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAAS6yKjNZNgHA1w/aVOR6ka+QfbdGkJ08uD9NtSD
hh6bkeA8r5YB/TXdyXApup7JZxnwTzEvwnzjDIRI8UHM97QFMAoGCCqGSM49BAMC
A0kAMEYCIQC+7hkIGuAb8juOC2a8nlC39Pnp5wor6zpDSbhw91XqMwIhAO3Ql4lX
8BO+3l6rRn1OCv5ry6Z54jGN3kRZMLh+85/i
-----END CERTIFICATE REQUEST-----
)";

constexpr char kCertificate[] = R"(-----BEGIN CERTIFICATE-----
MIICWjCCAf+gAwIBAgIUQAABAgMEBQYHCAkKCwwNDg8QERIwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMRXhhbXBsZSByb290MCAXDTI2MTEyMDEwNTAwNFoYDzIxMjUw
NjE0MTA1MDA0WjAOMQwwCgYDVQQDDANBZGEwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAARR4YNFxL9wYOav/f5n1JpCOCOMvmwSau+08pM11GkemF9eNRA8I/uuKGh8
dTKWyqBu2LgKiK7QzlFEqEz18V2Go4IBLjCCASowDAYDVR0TAQH/BAIwADAOBgNV
HQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0OBBYEFMKxmbx/
qlD7NhRjfn18dRc+k1zaMB8GA1UdIwQYMBaAFPysn0vhb0lhNDIcQWAEMXm9jjqD
MD8GA1UdEQQ4MDaGNHVybjpzYWx1czpzYWx1cy5leGFtcGxlL2hvc3BpdGFsLzIw
MjY6cGF0aWVudDpwLTAwMDEwdAYVaYPz9+7Gi8fKi4G/pKLa6NSGniYBBFswWTAT
BgcqhkjOPQIBBggqhkjOPQMBBwNCAAS6yKjNZNgHA1w/aVOR6ka+QfbdGkJ08uD9
NtSDhh6bkeA8r5YB/TXdyXApup7JZxnwTzEvwnzjDIRI8UHM97QFMAoGCCqGSM49
BAMCA0kAMEYCIQD+6nq5kr0hIjp6agBXzTUVU6lCl8Ir1St0ZmFd+bwEagIhANSK
9BrRAtAqrwRB5t32/4rIb3IK4NzSss1P0hH7N7m7
-----END CERTIFICATE-----
)";

constexpr char kRoot[] = R"(-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUcGAaKxy4vhgzyeOsDin9/Ok+GXMwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMRXhhbXBsZSByb290MCAXDTI2MTEyMDEwNTAwNFoYDzIxMjYx
MDI3MTA1MDA0WjAXMRUwEwYDVQQDDAxFeGFtcGxlIHJvb3QwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAATfuk3TWuMQ9ZVznZDMLTJ5vZ4/d1W+B+RTwD2RbNU5s5c6
ponOmkZo7oQBxPmQ+snXJ8vmxcg3YwtUTesS+hRYo2MwYTAdBgNVHQ4EFgQU/Kyf
S+FvSWE0MhxBYAQxeb2OOoMwHwYDVR0jBBgwFoAU/KyfS+FvSWE0MhxBYAQxeb2O
OoMwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwID
SAAwRQIhANtuac3jJnnno79GF9X7KUSS1vCAis8Gq7K3YbSBf3XaAiAUYT0mf3Ss
Ht3mEB5Q8TqSeyQjFUCwxXBEu/wrE3az5A==
-----END CERTIFICATE-----
)";

constexpr char kEncryptionPoint[] =
    "04bac8a8cd64d807035c3f695391ea46be41f6dd1a4274f2e0fd36d483861e9b91"
    "e03caf9601fd35ddc97029ba9ec96719f04f312fc27ce30c8448f141ccf7b405";

constexpr char kUri[] = "urn:salus:salus.example/hospital/2026:patient:p-0001";

TEST(ExampleTest, RequestBindsBothKeys) {
  auto request = CertificationRequest::FromPem(kRequest);
  ASSERT_TRUE(request.has_value()) << request.error().message;
  EXPECT_EQ(request->subject().name, "Ada");
  EXPECT_EQ(request->subject().identity->ToUri().value(), kUri);
  ASSERT_TRUE(request->encryption_key().has_value());
  EXPECT_EQ(codec::HexEncode(request->encryption_key()->sec1()), kEncryptionPoint);
  EXPECT_EQ(request->ToPem(), kRequest);
}

TEST(ExampleTest, CertificateBindsThemToTheIdentity) {
  auto certificate = Certificate::FromPem(kCertificate);
  ASSERT_TRUE(certificate.has_value()) << certificate.error().message;
  auto trust = TrustStore::Create({{Certificate::FromPem(kRoot).value()}}).value();
  const Timestamp time = std::chrono::sys_days(std::chrono::year(2030) / 1 / 1);
  auto valid = ValidatePath({{*certificate}}, trust, time, Purpose::kClient);
  ASSERT_TRUE(valid.has_value()) << valid.error().message;
  EXPECT_EQ(valid->identity()->ToUri().value(), kUri);
  EXPECT_EQ(codec::HexEncode(valid->serial_number()), "40000102030405060708090a0b0c0d0e0f101112");
  EXPECT_EQ(codec::HexEncode(valid->encryption_key().value()->sec1()), kEncryptionPoint);
  EXPECT_EQ(valid->ToPem(), kCertificate);
}

}  // namespace
}  // namespace salus::pki
