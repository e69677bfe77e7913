#include "crypto/pkcs11_token.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <p11-kit/pkcs11.h>

#include <array>
#include <utility>
#include <vector>

namespace bulkhead::crypto {
namespace {

constexpr CK_ULONG kKeyBytes = 32;
constexpr CK_ULONG kTagBits = 128;
constexpr std::size_t kMostBytes = 128;

Error failed(std::string_view doing, CK_RV code) {
  return {Errc::unavailable, fmt::format("the PKCS #11 module cannot {} (CKR 0x{:x})", doing, code)};
}

// The interface takes pointers to what it only reads.
CK_BYTE* bytes_of(std::string_view text) {
  return const_cast<CK_BYTE*>(reinterpret_cast<const CK_BYTE*>(text.data()));
}

CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, std::string_view text) {
  return {type, bytes_of(text), text.size()};
}

template <class T>
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, T& value) {
  return {type, &value, sizeof value};
}

// Labels are padded with blanks to their field.
std::string label_of(const CK_TOKEN_INFO& info) {
  std::string label(reinterpret_cast<const char*>(info.label), sizeof info.label);
  label.erase(label.find_last_not_of(' ') + 1);
  return label;
}

Result<CK_FUNCTION_LIST*> load(const std::filesystem::path& module) {
  // Never unloaded: a module's threads and exit handlers may outlive its last use.
  void* library = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return Error{Errc::unavailable, fmt::format("cannot load the PKCS #11 module: {}", ::dlerror())};
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (get == nullptr || get(&functions) != CKR_OK || functions == nullptr)
    return Error{Errc::unavailable, fmt::format("{} is no PKCS #11 module", module.string())};
  return functions;
}

Result<CK_SLOT_ID> find_slot(CK_FUNCTION_LIST& functions, const std::string& token) {
  std::vector<CK_SLOT_ID> slots(64);
  CK_ULONG count = slots.size();
  if (const CK_RV code = functions.C_GetSlotList(CK_TRUE, slots.data(), &count); code != CKR_OK)
    return failed("list its tokens", code);
  std::optional<CK_SLOT_ID> found;
  std::string known;
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    if (functions.C_GetTokenInfo(slots[i], &info) != CKR_OK) continue;
    if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    const std::string label = label_of(info);
    if (!token.empty() && label != token) {
      known += fmt::format("{}\"{}\"", known.empty() ? "; it has " : ", ", label);
      continue;
    }
    if (found)
      return Error{Errc::unavailable,
                   "the PKCS #11 module has several such tokens: set keys_pkcs11_token, or "
                   "give each its own label"};
    found = slots[i];
  }
  if (!found)
    return Error{Errc::unavailable,
                 fmt::format("the PKCS #11 module has no token{}{}",
                             token.empty() ? "" : fmt::format(" with the label \"{}\"", token), known)};
  return *found;
}

}  // namespace

struct Pkcs11Token::State {
  CK_FUNCTION_LIST* functions = nullptr;
  bool initialized = false;  // by this session
  std::optional<CK_SESSION_HANDLE> session;
  CK_OBJECT_HANDLE key = 0;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (session) {
      functions->C_Logout(*session);
      functions->C_CloseSession(*session);
    }
    if (initialized) functions->C_Finalize(nullptr);
  }

  Result<CK_OBJECT_HANDLE> find(const std::string& label);
  Result<CK_OBJECT_HANDLE> generate(const std::string& label);
};

Pkcs11Token::Pkcs11Token(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pkcs11Token::Pkcs11Token(Pkcs11Token&&) noexcept = default;
Pkcs11Token::~Pkcs11Token() = default;

Result<Pkcs11Token> Pkcs11Token::open(const Pkcs11Options& options) {
  auto state = std::make_unique<State>();
  const auto functions = load(options.module);
  if (!functions) return functions.error();
  state->functions = *functions;

  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV initialized = state->functions->C_Initialize(&arguments);
  if (initialized != CKR_OK && initialized != CKR_CRYPTOKI_ALREADY_INITIALIZED)
    return failed("start", initialized);
  state->initialized = initialized == CKR_OK;

  const auto slot = find_slot(*state->functions, options.token);
  if (!slot) return slot.error();
  CK_SESSION_HANDLE session = 0;
  if (const CK_RV code = state->functions->C_OpenSession(*slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr,
                                                         nullptr, &session);
      code != CKR_OK)
    return failed("open a session", code);
  state->session = session;
  const std::string& pin = options.pin.reveal();
  const CK_RV logged_in = state->functions->C_Login(session, CKU_USER, bytes_of(pin), pin.size());
  if (logged_in == CKR_PIN_INCORRECT || logged_in == CKR_PIN_INVALID || logged_in == CKR_PIN_LEN_RANGE)
    return Error{Errc::unauthenticated,
                 "the token refuses the PIN; it may lock itself after a few more tries"};
  if (logged_in == CKR_PIN_LOCKED) return Error{Errc::unauthenticated, "the token has locked its PIN"};
  if (logged_in != CKR_OK && logged_in != CKR_USER_ALREADY_LOGGED_IN) return failed("log in", logged_in);
  return Pkcs11Token(std::move(state));
}

Result<CK_OBJECT_HANDLE> Pkcs11Token::State::find(const std::string& label) {
  CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
  CK_KEY_TYPE aes = CKK_AES;
  std::array wanted{attribute(CKA_CLASS, secret), attribute(CKA_KEY_TYPE, aes),
                    attribute(CKA_LABEL, std::string_view(label))};
  if (const CK_RV code = functions->C_FindObjectsInit(*session, wanted.data(), wanted.size()); code != CKR_OK)
    return failed("look for the key", code);
  std::array<CK_OBJECT_HANDLE, 2> found{};
  CK_ULONG count = 0;
  const CK_RV code = functions->C_FindObjects(*session, found.data(), found.size(), &count);
  functions->C_FindObjectsFinal(*session);
  if (code != CKR_OK) return failed("look for the key", code);
  if (count == 0)
    return Error{Errc::not_found, fmt::format("the token has no AES key with the label \"{}\"", label)};
  if (count > 1)
    return Error{Errc::unavailable,
                 fmt::format("the token has several AES keys with the label \"{}\"", label)};
  return found[0];
}

Result<CK_OBJECT_HANDLE> Pkcs11Token::State::generate(const std::string& label) {
  CK_OBJECT_CLASS secret = CKO_SECRET_KEY;
  CK_KEY_TYPE aes = CKK_AES;
  CK_ULONG length = kKeyBytes;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  std::array wanted{attribute(CKA_CLASS, secret),     attribute(CKA_KEY_TYPE, aes),
                    attribute(CKA_VALUE_LEN, length), attribute(CKA_LABEL, std::string_view(label)),
                    attribute(CKA_TOKEN, yes),        attribute(CKA_PRIVATE, yes),
                    attribute(CKA_SENSITIVE, yes),    attribute(CKA_EXTRACTABLE, no),
                    attribute(CKA_ENCRYPT, yes),      attribute(CKA_DECRYPT, yes)};
  CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
  CK_OBJECT_HANDLE made = 0;
  if (const CK_RV code = functions->C_GenerateKey(*session, &mechanism, wanted.data(), wanted.size(), &made);
      code != CKR_OK)
    return failed("make the key", code);
  return made;
}

Result<void> Pkcs11Token::use_key(const std::string& label, bool create) {
  auto found = state_->find(label);
  if (!found && found.error().code == Errc::not_found && create) found = state_->generate(label);
  if (!found) return Error{Errc::unavailable, found.error().message};
  CK_BBOOL extractable = CK_TRUE;
  CK_ATTRIBUTE asked = attribute(CKA_EXTRACTABLE, extractable);
  if (state_->functions->C_GetAttributeValue(*state_->session, *found, &asked, 1) != CKR_OK ||
      extractable != CK_FALSE)
    return Error{Errc::unavailable,
                 fmt::format("the key \"{}\" could leave the token (CKA_EXTRACTABLE): name another in "
                             "keys_pkcs11_key; a missing one is made",
                             label)};
  state_->key = *found;
  return {};
}

Result<std::string> Pkcs11Token::encrypt(std::string_view nonce, std::string_view associated,
                                         std::string_view plain) {
  CK_GCM_PARAMS parameters{bytes_of(nonce),      nonce.size(),      nonce.size() * 8,
                           bytes_of(associated), associated.size(), kTagBits};
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
  if (const CK_RV code = state_->functions->C_EncryptInit(*state_->session, &mechanism, state_->key);
      code != CKR_OK)
    return failed("encrypt with AES-GCM", code);
  std::string sealed(kMostBytes, '\0');
  CK_ULONG size = sealed.size();
  if (const CK_RV code = state_->functions->C_Encrypt(*state_->session, bytes_of(plain), plain.size(),
                                                      bytes_of(sealed), &size);
      code != CKR_OK)
    return failed("encrypt with AES-GCM", code);
  sealed.resize(size);
  return sealed;
}

Result<LockedBytes> Pkcs11Token::decrypt(std::string_view nonce, std::string_view associated,
                                         std::string_view sealed) {
  CK_GCM_PARAMS parameters{bytes_of(nonce),      nonce.size(),      nonce.size() * 8,
                           bytes_of(associated), associated.size(), kTagBits};
  CK_MECHANISM mechanism{CKM_AES_GCM, &parameters, sizeof parameters};
  if (const CK_RV code = state_->functions->C_DecryptInit(*state_->session, &mechanism, state_->key);
      code != CKR_OK)
    return failed("decrypt with AES-GCM", code);
  std::string plain(kMostBytes, '\0');
  CK_ULONG size = plain.size();
  const CK_RV code =
      state_->functions->C_Decrypt(*state_->session, bytes_of(sealed), sealed.size(), bytes_of(plain), &size);
  const Secret<> wiped(std::move(plain));
  // Modules do not agree on which error a wrong tag is.
  if (code != CKR_OK)
    return Error{Errc::unauthenticated, "the token's key is not the one that sealed the keys"};
  return LockedBytes(std::string_view(wiped.reveal()).substr(0, size));
}

}  // namespace bulkhead::crypto
