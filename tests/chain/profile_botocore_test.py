#!/usr/bin/python3
"""The files ~/.aws/config and ~/.aws/credentials compared with botocore, over random files: most as people have them with
few oddities, some made of odd pieces only. Whatever profile is asked for, it must come to the same keys, roles and
region, or to the same refusal.

Where botocore refuses a file as a whole, a profile that is whole itself may be read; it must then be the profile's own
keys. Our only other differences: a comment behind a value is taken off, as all other SDKs do, and keys that nobody can
sign with (empty, with blanks, not ASCII) are refused.

    profile_botocore_test.py PATH-TO-profile_driver [--count N] [--seed N]
"""
import os
import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "signer"))

import botocore.credentials
import botocore.exceptions
import botocore.session

import differential

NAMES = ["default", "dev", "My Mac", "caf\u00e9", "a.b"]
CONFIG_TITLES = ["[default]", "[default]", "[profile dev]", "[profile dev]", "[profile 'My Mac']", '[profile "My Mac"]',
                 "[profile My Mac]", "[profile\tdev]", "[ profile dev ]", "[profile  dev ]", "[profile default]", "[dev]",
                 "[DEFAULT]", "[sso-session corp]", "[sso-session 'corp']", "[services s]", "[profiles dev]", "[profile dev",
                 "[]", "[profile 'dev]", "[plugins]", "[profile caf\u00e9]", "[profile a.b]", "[ default ]", "[profile my\\ mac]",
                 "[profile My\\ Mac]", "[profile 'My'\" Mac\"]", "[profile]", "[profile '']", "[profile dev]]", "[Default]"]
KEYS_TITLES = ["[default]", "[default]", "[dev]", "[dev]", "[My Mac]", "['My Mac']", "[profile dev]", "[ dev ]", "[DEFAULT]",
               "[caf\u00e9]", "[a.b]", "[ default]", "[dev", "[sso-session corp]", "[[dev]]"]
TITLE_TAILS = [""] * 8 + [" # c", "#c", "; c", " ; c", "\t#", " text", " # see [1]", "]", " = x", " # ]"]
INDENTATIONS = [""] * 12 + [" ", "  ", "\t", "    ", "\u00a0"]
DELIMITERS = ["=", " = ", "= ", " =", ":", ": ", " : ", "\t=\t", "\u00a0= "]
VALUE_TAILS = [""] * 10 + [" ", "\t", " # c", " ; c", "#c", ";c", "\t# c = d", "\u00a0", "\u3000", " #"]
FILLERS = ["", "", "   ", "\t", "# c", "  # c", "\t; c = d", "#[default]", "    # deep", " ;", "output = json", "Output: text",
           "x y = z", "nonsense", "= x", ":", "s3 =\n  max = 1\n  # c\n  y = z", "s3 =\n  max = 1\n\n  y = z", "s3 =\n  nonsense",
           "s3 =\n# c\n  max: 1", "s3 = # c\n    max = 1", "  continued", "    deeper = x", "endpoint_url: http://h:1/", "a=%(b)s",
           "\f", "\x0b", "cli_history = on", "[x", "region", "key without value", "s3:\n  a = b", "s3 =\n   \n  a ="]


def pick_role(rng, name):
    lines = [("role_arn", f"arn:aws:iam::1:role/{rng.choice('abc')}")]
    if rng.random() < 0.9:
        lines.append(("source_profile", rng.choice(NAMES + ["gone", name])))
    if rng.random() < 0.3:
        lines.append(("external_id", f"e{rng.randrange(9)}"))
    return lines


def pick_sso(rng):
    lines = [("sso_account_id", "1234"), ("sso_role_name", "reader")]
    if rng.random() < 0.5:
        return lines + [("sso_session", rng.choice(["corp", "corp", "gone"]))]
    return lines + [("sso_start_url", "https://h/start"), ("sso_region", "eu-west-1")]


def pick_group(rng, name):
    """Properties that belong together."""
    number = rng.randrange(100)
    keys = [("aws_access_key_id", f"AK/{name}/{number}"), ("aws_secret_access_key", f"S/{name}/{number}")]
    kind = rng.random()
    if kind < 0.5:
        return [(k, v.replace(" ", "_")) for k, v in keys]
    if kind < 0.62:
        return [(k, v.replace(" ", "_")) for k, v in keys + [("aws_session_token", f"T/{number}")]]
    if kind < 0.65:
        return [("aws_security_token", f"O/{number}")]
    if kind < 0.67:
        return [(rng.choice(keys)[0], rng.choice(["", "a b", "\u00e4", "k"]))]
    if kind < 0.79:
        return pick_role(rng, name)
    if kind < 0.85:
        return [("credential_process", rng.choice(["/bin/get keys", "/bin/get 'a ; b' \"c # d\"", "get\n    --more"]))]
    if kind < 0.9:
        return pick_sso(rng)
    if kind < 0.94:
        return [("role_arn", "arn:aws:iam::1:role/web"), ("web_identity_token_file", "/token")]
    return [("region", rng.choice(["eu-west-1", "us-east-1", "x y", ""]))]


def spell(rng, name, value):
    name = rng.choice([name] * 6 + [name.upper(), name.title()])
    return rng.choice(INDENTATIONS) + name + rng.choice(DELIMITERS) + value + rng.choice(VALUE_TAILS)


def name_in(title):
    plain = re.sub(r"[\\'\"]", "", title)
    found = [n for n in NAMES if n in plain]
    return found[0] if found else "other"


def random_section(rng, titles):
    title = rng.choice(titles)
    name = name_in(title)
    lines = [rng.choice(INDENTATIONS) + title + rng.choice(TITLE_TAILS)]
    if "sso-session" in title:
        lines += ["sso_region = eu-west-1", "sso_start_url = https://h/start"]
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        group = pick_group(rng, name)
        if rng.random() < 0.05:
            group.pop(rng.randrange(len(group)))
        lines += [spell(rng, *p) for p in group]
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(FILLERS))
    return lines


def random_file(rng, titles):
    lines = []
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3])):
        lines += random_section(rng, titles)
    if rng.random() < 0.03:
        lines.insert(0, rng.choice(["region = x", "# c", "\t", "nonsense"]))
    ending = rng.choice(["\n"] * 8 + ["\r\n", "\r"])
    text = "\n".join(lines).replace("\n", ending) + rng.choice([ending, ending, "", " "])
    odd = rng.random()
    if odd < 0.01:
        return ("\ufeff" + text).encode()
    if odd < 0.02 and text:
        return text.encode(rng.choice(["utf-16", "utf-16-le", "utf-16-be"]))
    if odd < 0.03:
        return text.encode() + ending.encode() + b"# caf\xe9\n"
    return text.encode()


def random_case(rng):
    return {"config": random_file(rng, CONFIG_TITLES).decode("latin-1"), "credentials": random_file(rng, KEYS_TITLES).decode("latin-1"),
            "profile": rng.choice([None, None, "default", "dev", "dev", "My Mac", "caf\u00e9".encode().decode("latin-1"), "a.b"])}


GENTLE_TAILS = ["", " # c", "#c", "; c", " ; c", "\t#", " text", " # see 1"]
GENTLE_FILLERS = ["", "   ", "\t", "# c", "  # c", "\t; c = d", "#[default]", " ;", "output = json", "Output: text", "x y = z",
                  "s3 =\n  max = 1\n  # c\n  y = z", "s3 =\n  max = 1\n\n  y = z", "s3 =\n# c\n  max = 1\n  y = z",
                  "endpoint_url: http://h:1/", "a=%(b)s", "\f", "cli_history = on", "s3:\n  a = b", "duration =\n", "# [dev"]


def ordinary_title(rng, name, is_config):
    if not is_config:
        return f"[{name}]"
    if name == "default":
        return rng.choice(["[default]"] * 4 + ["[profile default]"])
    quoted = [f"[profile '{name}']", f'[profile "{name}"]']
    if " " in name:
        return rng.choice(quoted + ["[profile " + name.replace(" ", "\\ ") + "]"])
    return rng.choice([f"[profile {name}]"] * 6 + quoted + [f"[profile\t{name}]", f"[profile  {name} ]"])


def ordinary_group(rng, name, others, is_config):
    """What one profile says: of `others`, those with groups of their own, a role may take one for its source."""
    number, plain = rng.randrange(100), name.replace(" ", "_")
    keys = [("aws_access_key_id", f"AK/{plain}/{number}"), ("aws_secret_access_key", f"S/{plain}/{number}")]
    kind = rng.random()
    if kind < 0.4 or not is_config and kind < 0.8:
        tokens = [[], [], [], [("aws_session_token", f"T/{number}")], [("aws_security_token", f"O/{number}")],
                  [("aws_session_token", f"T/{number}"), ("aws_security_token", f"O/{number}")]]
        group = keys + rng.choice(tokens)
        rng.shuffle(group)
    elif kind < 0.65 and others:
        group = [("role_arn", f"arn:aws:iam::1:role/{rng.choice('abc')}"), ("source_profile", rng.choice(others))]
        group += rng.choice([[], [("external_id", f"e{number}")]])
    elif kind < 0.8:
        group = [("credential_process", rng.choice(["/bin/get keys", "/bin/get 'a ; b' \"c # d\"", "/bin/get --n=1:2"]))]
    elif kind < 0.92:
        group = [("sso_account_id", "1234"), ("sso_role_name", "reader")]
        group += rng.choice([[("sso_session", "corp")], [("sso_start_url", "https://h/start"), ("sso_region", "eu-west-1")]])
    else:
        group = [("role_arn", "arn:aws:iam::1:role/web"), ("web_identity_token_file", "/token")]
    return group + rng.choice([[], [], [("region", rng.choice(["eu-west-1", "us-east-1"]))]])


def spelled(rng, group):
    spaces = rng.choice(["", "", "", "", "  "])    # all of a section stand at one depth
    lines = []
    for name, value in group:
        name = rng.choice([name] * 6 + [name.upper(), name.title()])
        lines.append(spaces + name + rng.choice(DELIMITERS) + value + rng.choice(["", "", "", "", " ", "\t"]))
    return lines


def change(rng, sections, titles):
    """One oddity in one of the sections."""
    lines = rng.choice(sections)
    where = rng.randrange(len(lines))
    kind = rng.random()
    if kind < 0.35:
        lines.insert(where + 1, rng.choice(GENTLE_FILLERS))
    elif kind < 0.6:
        lines[0] += rng.choice(GENTLE_TAILS)
    elif kind < 0.8:
        lines[where] += rng.choice(VALUE_TAILS)
    elif kind < 0.85:
        lines.insert(where + 1, rng.choice(FILLERS))
    elif kind < 0.89:
        lines[where] = rng.choice(INDENTATIONS) + lines[where]
    elif kind < 0.92:
        title = rng.choice(titles)
        whose = name_in(title).replace(" ", "_")    # own_keys() reads in the keys whose they are
        lines[:] = [title] + [re.sub(r"\b(AK|S)/[^/]+/", rf"\1/{whose}/", line) for line in lines[1:]]
    elif kind < 0.94:
        lines[0] += rng.choice(TITLE_TAILS)
    elif kind < 0.96 and len(lines) > 1:
        del lines[rng.randrange(1, len(lines))]
    elif kind < 0.98:
        sections.append(list(lines))
    else:
        sections.append(random_section(rng, titles))


def ordinary_case(rng):
    """Two files as people have them, with no or few oddities."""
    names = rng.sample(NAMES, rng.choice([1, 2, 2, 3]))
    files = {True: [], False: []}
    for i, name in enumerate(names):
        for is_config in rng.choice([[True], [True], [False], [False], [True, False]]):
            group = ordinary_group(rng, name, names[:i], is_config)
            files[is_config].append([ordinary_title(rng, name, is_config)] + spelled(rng, group))
    if any("corp" in line for section in files[True] for line in section):
        files[True].append(["[sso-session corp]", "sso_region = eu-west-1", "sso_start_url = https://h/start"])
    if rng.random() < 0.1:
        files[True].append([rng.choice(["[services s]", "[plugins]", "[dev]", "[profile x y]"]), "x = y"])
    for _ in range(rng.choice([0, 1, 1, 2, 3])):
        is_config = rng.random() < 0.5
        if files[is_config]:
            change(rng, files[is_config], CONFIG_TITLES if is_config else KEYS_TITLES)
    case = {}
    for name, is_config in (("config", True), ("credentials", False)):
        rng.shuffle(files[is_config])
        text = "\n".join(line for section in files[is_config] for line in section + rng.choice([[], [""]]))
        ending = rng.choice(["\n"] * 8 + ["\r\n", "\r"])
        case[name] = (text + "\n").replace("\n", ending).encode().decode("latin-1")
    chosen = rng.choice(names if rng.random() < 0.95 else NAMES)
    case["profile"] = None if chosen == "default" and rng.random() < 0.5 else chosen.encode().decode("latin-1")
    return case


class planned:
    """Stands where botocore would fetch something: keeps what it was to be fetched with."""

    def __init__(self, *_, **what):
        self.what = what

    def fetch_credentials(self):
        raise AssertionError("nothing is fetched here")


class deferred:
    def __init__(self, refresh_using, **_):
        self.what = refresh_using.__self__.what


def stand_in():
    for name in ("AssumeRoleCredentialFetcher", "AssumeRoleWithWebIdentityCredentialFetcher", "SSOCredentialFetcher"):
        setattr(botocore.credentials, name, planned)
    botocore.credentials.DeferredRefreshableCredentials = deferred
    botocore.credentials.ProcessProvider.load = load_process


def load_process(provider):
    command = provider._credential_process
    return None if command is None else deferred(planned(command=command).fetch_credentials)


def taken_apart(keys):
    """Where the first keys come from, and the roles that are assumed with them, in that order."""
    what = getattr(keys, "what", None)
    if what is None:
        return ["keys", keys.access_key, keys.secret_key, keys.token or ""], []
    if "command" in what:
        return ["command", what["command"]], []
    if "web_identity_token_loader" in what:
        return ["web_identity", what["role_arn"], what["web_identity_token_loader"]._web_identity_token_path], []
    if "account_id" in what:
        return ["sso", what["account_id"], what["role_name"], what.get("sso_session_name") or ""], []
    base, roles = taken_apart(what["source_credentials"])
    return base, roles + [[what["role_arn"], what["extra_args"].get("ExternalId", "")]]


def plan_of_botocore(profile):
    session = botocore.session.Session(profile=profile)
    session.get_scoped_config()
    name = profile or "default"
    sources = botocore.credentials.ProfileProviderBuilder(session, cache={}, sso_token_cache={})
    role = botocore.credentials.AssumeRoleProvider(
        load_config=lambda: session.full_config, client_creator=None, cache={}, profile_name=name,
        credential_sourcer=botocore.credentials.CanonicalNameCredentialSourcer([]), profile_provider_builder=sources)
    providers = [role] + sources.providers(profile_name=name, disable_env_vars=True)
    keys = botocore.credentials.CredentialResolver(providers).load_credentials()
    answer = {"region": session.get_config_variable("region") or ""}
    if keys is None:
        return {**answer, "none": "no keys"}
    base, roles = taken_apart(keys)
    return {**answer, "base": base, "roles": roles}


def botocore_answer(case, folder):
    for name in ("config", "credentials"):
        (folder / name).write_bytes(case[name].encode("latin-1"))
    try:
        return plan_of_botocore(case["profile"] and case["profile"].encode("latin-1").decode())
    except botocore.exceptions.BotoCoreError as e:
        return {"refused": f"{type(e).__name__}: {e}"}
    except AttributeError as e:   # a block of lines where it wants a text
        return {"refused": repr(e)}


def without_comment(value):
    """As all SDKs but botocore read a value: up to a # or ; behind a blank, quotes aside. The lines behind it stay."""
    first, newline, more = value.partition("\n")
    if re.match(r"[#;]", first):
        return newline + more
    kept = re.match(r"""(?:"[^"]*"|'[^']*'|(?<![ \t])[#;]|[^#;])*""", first)[0]
    return (kept if len(kept) == len(first) else kept.rstrip(" \t")) + newline + more


def comparable(answer):
    tidy = [[without_comment(v) if isinstance(v, str) else "" for v in values] for values in [answer["base"], *answer["roles"]]]
    return {"base": tidy[0], "roles": tidy[1:]}


def usable(answer):
    """Whether anybody can sign with what botocore made of it."""
    base, roles = answer["base"], answer["roles"]
    wanted = (base[1:3] if base[0] == "keys" else base[1:2]) + [r[0] for r in roles]
    visible = wanted + ([base[3]] if base[0] == "keys" and base[3] else [])
    if base[0] in ("command", "sso"):
        visible = visible[1:]
    return all(wanted) and all(re.fullmatch(r"[!-~]+", v) for v in visible)


def own_keys(case, ours):
    """The keys stand in a section of the profile that was asked for, and belong together."""
    base = ours["base"]
    if base[0] != "keys" or ours["roles"]:
        return True
    name = (case["profile"] or "default").encode("latin-1").decode().replace(" ", "_")
    numbers = [re.match(f"{kind}/{re.escape(name)}/([0-9]+)", value) for kind, value in (("AK", base[1]), ("S", base[2]))]
    return all(numbers) and numbers[0][1] == numbers[1][1] or "[DEFAULT]" in case["config"] + case["credentials"]


def is_utf8(case):
    """Other bytes, as in a comment in Latin-1, hide nothing: we leave them alone."""
    try:
        return all(case[name].encode("latin-1").decode() is not None for name in ("config", "credentials"))
    except UnicodeDecodeError:
        return False


def judge(case, ours, theirs):
    """"" or what is wrong."""
    if "base" in theirs:
        if not usable(theirs | comparable(theirs)):
            return "" if "refused" in ours else "unusable keys are not refused"
        if "base" not in ours or {"base": ours["base"], "roles": ours["roles"]} != comparable(theirs):
            return "other keys"
    elif "base" in ours:
        return "" if own_keys(case, ours) else "somebody else's keys"
    elif "refused" in theirs and "none" in ours and is_utf8(case):
        return "the next source would sign"
    has_both = "base" in ours and "base" in theirs and isinstance(theirs["region"], str)
    if has_both and ours["region"] != without_comment(theirs["region"]):
        return "another region"
    return ""


def main():
    args = differential.arguments(count=10000)
    rng = differential.begin(f"botocore {botocore.__version__}, files", args)
    cases = [ordinary_case(rng) if rng.random() < 0.93 else random_case(rng) for _ in range(args.count)]
    ours = differential.ask_driver(args, cases)
    stand_in()
    wrong = differential.Differences("botocore")
    seen = {"keys": 0, "refused": 0, "none": 0, "more": 0}
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as name:
        folder = pathlib.Path(name)
        for variable in [v for v in os.environ if v.startswith("AWS_")]:
            del os.environ[variable]
        os.environ.update(AWS_CONFIG_FILE=str(folder / "config"), AWS_SHARED_CREDENTIALS_FILE=str(folder / "credentials"),
                          HOME=name, PYTHONUTF8="1")
        for case, made in zip(cases, ours):
            theirs = botocore_answer(case, folder)
            seen["keys" if "base" in theirs else "refused" if "refused" in theirs else "none"] += 1
            seen["more"] += "base" in made and "base" not in theirs
            if why := judge(case, made, theirs):
                wrong.tell(case, why=why, ours=made, theirs=theirs, config=case["config"], credentials=case["credentials"])
    wrong.end(f"all equal: {seen['keys']} with keys, {seen['none']} without, {seen['refused']} refused; "
              f"{seen['more']} of these last two are read by us")


if __name__ == "__main__":
    main()
