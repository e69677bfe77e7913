#include "crypto/common_passwords.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/secret.h"

namespace bulkhead::crypto {
namespace {

// What guessing starts with: words and names that every published break-in has near the top, this trade's own
// default passwords among them. Sorted; lower case; also matched with a few digits or signs around them.
// clang-format off
constexpr auto kCommon = std::to_array<std::string_view>({
    "0123456789", "102030", "10203040", "1029384756", "112233", "11235813", "1123581321", "121212",
    "123321", "12341234", "123454321", "1234554321", "123qwe", "131313", "13579", "13579246", "135792468",
    "147258369", "159357", "159753", "19841984", "1a2b3c4d", "1q2w3e", "20012001", "24680", "27182818",
    "31415926", "314159265", "69696969", "741852963", "789456123", "987654321", "a1b2c3", "a1b2c3d4",
    "abc123", "access", "access14", "admin", "administrador", "administrator", "adminpassword", "alexander",
    "amanda", "andrew", "android", "angel", "angels", "ansible", "anthony", "apple", "april", "arsenal",
    "artifactory", "asdf", "asdfgh", "asdfjkl", "ashley", "august", "autumn", "azerty", "baby", "babygirl",
    "backup", "banana", "barcelona", "baseball", "basketball", "batman", "bear", "benjamin", "blessed",
    "blink182", "bulkhead", "business", "buster", "butterfly", "centos", "change", "changeit", "changeme",
    "changemenow", "charlie", "cheese", "chelsea", "chocolate", "christ", "christopher", "cisco", "company",
    "computer", "container", "contrasena", "cookie", "correcthorsebatterystaple", "corvette", "cowboy",
    "cowboys", "crystal", "customer", "daddy", "dallas", "daniel", "database", "debian", "december",
    "default", "defaultpassword", "diamond", "docker", "dockerhub", "dolphin", "dragon", "eagle", "eagles",
    "elizabeth", "eminem", "facebook", "falcon", "family", "father", "february", "fedora", "ferrari",
    "flower", "football", "forever", "fortnite", "freedom", "friday", "friends", "gandalf", "ginger",
    "github", "gitlab", "gmail", "golden", "golfer", "goodbye", "google", "guest", "hannah", "harbor",
    "harbor12345", "harley", "heaven", "hello", "hello123", "helloworld", "helpdesk", "hobbit", "hockey",
    "hotmail", "hunter", "hunter2", "ilove", "iloveyou", "iloveyou1", "internet", "iphone", "ironman",
    "january", "jedi", "jenkins", "jennifer", "jessica", "jesus", "jordan", "joseph", "joshua", "july",
    "june", "juventus", "killer", "knight", "kubernetes", "lakers", "letme", "letmein", "letmein123",
    "linkedin", "linux", "lion", "liverpool", "login", "logon", "love", "lovely", "lover", "loveyou",
    "maggie", "manager", "manchester", "march", "master", "masterkey", "matrix", "matthew", "maverick",
    "mercedes", "merlin", "metallica", "michael", "michelle", "microsoft", "minecraft", "mommy", "monday",
    "mongodb", "monkey", "motdepasse", "mother", "mustang", "mypass", "mypassword", "mysql", "naruto",
    "network", "newpass", "newpassword", "nexus", "nicole", "nintendo", "nirvana", "nopassword", "nothing",
    "november", "october", "office", "openup", "operator", "oracle", "orange", "p0o9i8u7", "panther",
    "parola", "pass", "passe", "passphrase", "passwd", "password", "password1", "passwort", "passwrd",
    "patrick", "pepper", "phoenix", "pikachu", "playstation", "please", "pokemon", "porsche", "postgres",
    "postgresql", "princess", "private", "public", "purple", "q1w2e3r4", "qazwsx", "qwe123", "qweasd",
    "qweasdzxc", "qwert", "qwerty", "qwerty123", "qwertz", "rainbow", "ranger", "raspberry", "realmadrid",
    "redhat", "redis", "registry", "richard", "robert", "root", "rootpassword", "samantha", "samsung",
    "saturday", "scorpion", "secret", "secretpassword", "security", "senha", "september", "server",
    "service", "shadow", "signin", "silver", "skywalker", "slipknot", "soccer", "spiderman", "spring",
    "starwars", "steelers", "summer", "sunday", "sunshine", "superman", "superuser", "supervisor",
    "support", "sysadmin", "system", "temp", "temporary", "tennis", "test", "test123", "tester", "testing",
    "thepassword", "thomas", "thunder", "thursday", "tiger", "tigger", "tomcat", "toor", "topsecret",
    "trustno", "trustno1", "tuesday", "twitter", "ubuntu", "user", "username", "userpassword", "vagrant",
    "victoria", "wachtwoord", "warrior", "wednesday", "welcome", "whatever", "whatsup", "william",
    "windows", "winter", "wizard", "wolf", "xbox", "yahoo", "yamaha", "yankees", "yoda", "yourpassword",
    "zaq12wsx", "zxcvbn"
});
// clang-format on
static_assert(std::ranges::is_sorted(kCommon));

// Rows of keys, patterns across them, the alphabet and the digits: a password made of pieces of these is a
// walk.
constexpr auto kWalks = std::to_array<std::string_view>({
    "0123456789012345678901234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "1234567890qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "a1b2c3d4e5f6g7h8i9j0",
    "1a2b3c4d5e6f7g8h9i0j",
    "13579",
    "24680",
    "!@#$%^&*()_+",
});
constexpr std::size_t kLeastWalk = 3;
constexpr std::size_t kLongestUnit = 4;
constexpr std::size_t kLongestAffix = 5;  // such as "2024!"

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }

bool is_listed(std::string_view word) { return std::ranges::binary_search(kCommon, word); }

// "aaaaaaaa", "abcabcab": one unit over and over, the last time perhaps in part.
bool repeats(std::string_view text, std::size_t unit) {
  return unit < text.size() && text.substr(unit) == text.substr(0, text.size() - unit);
}

// How much of the front of the text is one walk, in either direction, or one character repeated.
std::size_t walk_length(std::string_view text) {
  std::size_t longest = std::min(text.find_first_not_of(text.front()), text.size());
  for (const std::string_view walk : kWalks) {
    for (std::size_t start = 0; start < walk.size(); ++start) {
      std::size_t up = 0, down = 0;
      while (up < text.size() && start + up < walk.size() && text[up] == walk[start + up]) ++up;
      while (down < text.size() && down <= start && text[down] == walk[start - down]) ++down;
      longest = std::max({longest, up, down});
    }
  }
  return longest;
}

bool is_chain_of_walks(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = walk_length(text);
    if (length < kLeastWalk) return false;
    text.remove_prefix(length);
  }
  return true;
}

// "11223344" is "1234" with each key struck twice.
Secret<> without_doubling(std::string_view text) {
  std::string single;
  single.reserve(text.size() / 2);
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) single.push_back(text[i]);
  return Secret<>(std::move(single));
}

bool is_doubled(std::string_view text) {
  if (text.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 2)
    if (text[i] != text[i + 1]) return false;
  return true;
}

bool is_pattern(std::string_view text) {
  for (std::size_t unit = 1; unit <= kLongestUnit; ++unit)
    if (repeats(text, unit)) return true;
  return is_chain_of_walks(text) || (is_doubled(text) && is_chain_of_walks(without_doubling(text).reveal()));
}

// Undoes the usual look-alikes. A 1 stands for i or for l, so the caller tries both.
Secret<> without_lookalikes(std::string_view text, char one) {
  std::string plain(text);
  for (char& c : plain) {
    switch (c) {
      case '@':
      case '4': c = 'a'; break;
      case '3': c = 'e'; break;
      case '1':
      case '!': c = one; break;
      case '0': c = 'o'; break;
      case '$':
      case '5': c = 's'; break;
      case '7': c = 't'; break;
      default: break;
    }
  }
  return Secret<>(std::move(plain));
}

bool is_listed_or_repeats_listed(std::string_view text) {
  if (is_listed(text)) return true;
  for (std::size_t unit = kLongestUnit; unit <= text.size() / 2; ++unit)
    if (text.size() % unit == 0 && repeats(text, unit) && is_listed(text.substr(0, unit))) return true;
  return false;
}

bool is_common_word(std::string_view text) {
  return is_listed_or_repeats_listed(text) ||
         is_listed_or_repeats_listed(without_lookalikes(text, 'i').reveal()) ||
         is_listed_or_repeats_listed(without_lookalikes(text, 'l').reveal());
}

bool is_trivial_affix(std::string_view text) {
  return text.size() <= kLongestAffix || is_listed(text) || is_pattern(text);
}

}  // namespace

bool is_common_password(std::string_view password) {
  std::string text(password);
  std::ranges::transform(text, text.begin(), lower);
  const Secret<> lowered(std::move(text));
  const std::string_view whole = lowered.reveal();
  if (whole.empty() || is_pattern(whole) || is_common_word(whole)) return true;

  const auto first = std::ranges::find_if(whole, is_letter) - whole.begin();
  const auto last = std::find_if(whole.rbegin(), whole.rend(), is_letter).base() - whole.begin();
  if (first >= last) return false;
  return is_trivial_affix(whole.substr(0, first)) && is_trivial_affix(whole.substr(last)) &&
         is_common_word(whole.substr(first, last - first));
}

}  // namespace bulkhead::crypto
