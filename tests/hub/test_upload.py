"""One commit, whatever breaks: against a Hub that fails on demand."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fake_hub import TOKEN, FakeHub, Repo

from clc_text.errors import InputError
from clc_text.hub.answers import short
from clc_text.hub.bundle import Bundle
from clc_text.hub.session import Fault, Patience, session
from clc_text.hub.upload import Pushed, check_name, push

CARD = "---\nlicense: unknown\n---\n\n# Card\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """Two files that are large to the Hub and one that is not."""
    (tmp_path / "train.parquet").write_bytes(b"train" * 1000)
    (tmp_path / "test.parquet").write_bytes(b"test" * 1000)
    (tmp_path / "recipe.yaml").write_text("name: x\n")
    files = {f"data/{split}.parquet": tmp_path / f"{split}.parquet" for split in ("train", "test")}
    files["recipe.yaml"] = tmp_path / "recipe.yaml"
    return Bundle("dataset", "Corrected labels", files, CARD, ("data/", "recipe.yaml", "audit.json"))


WHOLE = {".gitattributes", "README.md", "data/test.parquet", "data/train.parquet", "recipe.yaml"}


def visible(hub: FakeHub, name: str = "user/name") -> set[str]:
    return set(hub.repo("dataset", name).files())


def refused(bundle: Bundle, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        push(bundle, "user/name", **options)
    said = str(caught.value)
    assert TOKEN not in said
    assert "\n" not in said
    return said


def test_a_new_repository_has_everything_after_one_commit(hub: FakeHub, bundle: Bundle) -> None:
    pushed = push(bundle, "user/name")
    assert pushed == Pushed(f"{hub.url}/datasets/user/name", changed=True)
    repo = hub.repo("dataset", "user/name")
    assert not repo.private
    assert set(repo.files()) == WHOLE
    assert repo.files()["data/train.parquet"] == b"train" * 1000
    assert repo.files()["README.md"].decode() == CARD
    assert len(repo.commits) == 2  # the Hub's own first one, and this one


@pytest.mark.parametrize("user", ["alice:{}", "{}"])
def test_an_address_with_a_password_is_refused_before_anything_is_asked(
    hub: FakeHub, bundle: Bundle, user: str
) -> None:
    """A server that repeats the header would print it in base64, where no one looks for the token."""
    said = refused(bundle, endpoint=hub.url.replace("://", f"://{user.format(TOKEN)}@"))
    assert "holds a user name or password" in said
    assert hub.requests == []


def test_a_line_of_dashes_ends_the_metadata_and_no_other_dashes_do(hub: FakeHub, bundle: Bundle) -> None:
    """Of the fake Hub: a name may end in dashes."""
    card = "---\npretty_name: x ---\nlicense: of nobody\n---\n\n# Card\n"
    assert "must not be of nobody" in refused(replace(bundle, card=card))


def test_private_is_private_from_the_start(hub: FakeHub, bundle: Bundle) -> None:
    push(bundle, "user/name", private=True)
    assert hub.repo("dataset", "user/name").private


def test_a_public_repository_is_never_filled_with_what_was_meant_to_be_private(hub: FakeHub, bundle: Bundle) -> None:
    hub.repos["dataset", "user/name"] = Repo(private=False)
    said = refused(bundle, private=True)
    assert said.startswith("user/name is public, so nothing was sent")
    assert not hub.blobs
    assert hub.count("POST", "") == 0


def test_the_same_push_again_changes_nothing(hub: FakeHub, bundle: Bundle) -> None:
    push(bundle, "user/name")
    assert push(bundle, "user/name") == Pushed(f"{hub.url}/datasets/user/name", changed=False)
    assert len(hub.repo("dataset", "user/name").commits) == 2
    assert hub.count("PUT", "/lfs/") == 2


def test_a_later_push_replaces_and_removes_only_what_is_its_own(hub: FakeHub, bundle: Bundle, tmp_path: Path) -> None:
    push(bundle, "user/name")
    repo = hub.repo("dataset", "user/name")
    repo.commits.append({**repo.files(), "NOTES.md": b"by hand", "audit.json": b"{}", "data/old-1.parquet": b"x"})
    repo.titles.append("by hand")
    (tmp_path / "train.parquet").write_bytes(b"more" * 1000)
    files = {path: source for path, source in bundle.files.items() if path != "data/test.parquet"}
    push(Bundle("dataset", "again", files, CARD, bundle.owned), "user/name")
    assert visible(hub) == (WHOLE | {"NOTES.md"}) - {"data/test.parquet"}
    assert repo.files()["data/train.parquet"] == b"more" * 1000


def test_what_is_no_corrected_dataset_is_not_replaced(hub: FakeHub, bundle: Bundle) -> None:
    other = Repo(private=False)
    other.commits[0]["data/train-00000-of-00001.parquet"] = b"years of work"
    hub.repos["dataset", "user/name"] = other
    said = refused(bundle)
    assert "user/name holds something else (it has data/train-00000-of-00001.parquet and no recipe.yaml)" in said
    assert len(other.commits) == 1
    assert not hub.blobs


def test_a_pull_request_leaves_main_alone(hub: FakeHub, bundle: Bundle) -> None:
    theirs = Repo(private=False)
    theirs.commits[0]["data/train-00000-of-00001.parquet"] = b"theirs"
    hub.repos["dataset", "other/name"] = theirs
    pushed = push(bundle, "other/name", create_pr=True)
    assert pushed == Pushed(f"{hub.url}/datasets/other/name/discussions/1", changed=True, pull_request=True)
    assert set(theirs.files()) == {".gitattributes", "data/train-00000-of-00001.parquet"}
    assert theirs.files("refs/pr/1")["README.md"].decode() == CARD


def test_a_pull_request_needs_a_repository(hub: FakeHub, bundle: Bundle) -> None:
    assert refused(bundle, create_pr=True) == (
        "there is no dataset user/name to open a pull request for; push without --create-pr"
    )
    assert not hub.repos


@pytest.mark.parametrize(
    ("method", "part", "how"),
    [
        ("GET", "/api/datasets/", {"status": 503, "headers": {"Retry-After": "0"}}),
        ("POST", "/create", {"status": 500}),
        ("POST", "/validate-yaml", {"status": 504}),
        ("POST", "/preupload", {"silent": True}),
        ("POST", "/objects/batch", {"reset": True}),
        ("PUT", "/lfs/", {"status": 500}),
        ("PUT", "/lfs/", {"reset": True}),
        ("PUT", "/lfs/", {"silent": True}),
        ("POST", "/lfs-verify", {"status": 502}),
        ("POST", "/commit/", {"status": 500}),
        ("POST", "/commit/", {"reset": True}),
        ("POST", "/commit/", {"silent": True}),
    ],
)
def test_a_fault_that_passes_is_overcome(
    hub: FakeHub, bundle: Bundle, method: str, part: str, how: dict[str, Any]
) -> None:
    hub.fail(method, part, **how)
    heard: list[str] = []
    push(bundle, "user/name", log=heard.append)
    assert visible(hub) == WHOLE
    assert len(hub.repo("dataset", "user/name").commits) == 2
    assert len(heard) == 1
    assert heard[0].startswith(("127.0.0.1 ", "the connection to 127.0.0.1 "))
    assert heard[0].endswith("attempt 2 in 0.01 s")


@pytest.mark.parametrize("part", ["/lfs/", "/objects/batch", "/preupload", "/commit/"])
def test_a_push_that_breaks_in_the_middle_shows_nothing_and_can_be_repeated(
    hub: FakeHub, bundle: Bundle, part: str
) -> None:
    hub.fail("PUT" if part == "/lfs/" else "POST", part, status=500, times=99)
    said = refused(bundle)
    hub.failures.clear()
    assert "127.0.0.1 answers 500 Internal Server Error (3 attempts)" in said
    if part == "/commit/":
        assert said.endswith(f"so {hub.url}/datasets/user/name may be up to date or as it was; push again to be sure")
    else:
        assert said.endswith("so push again later (user/name was created and is still empty)")
    assert visible(hub) == {".gitattributes"}
    push(bundle, "user/name")
    assert visible(hub) == WHOLE


def test_a_broken_second_push_leaves_the_first_whole(hub: FakeHub, bundle: Bundle, tmp_path: Path) -> None:
    push(bundle, "user/name")
    (tmp_path / "train.parquet").write_bytes(b"more" * 1000)
    hub.fail("PUT", "/lfs/", reset=True, times=99)
    said = refused(bundle)
    assert "the connection to 127.0.0.1 broke off (3 attempts); nothing of" in said
    assert "was created" not in said
    assert hub.repo("dataset", "user/name").files()["data/train.parquet"] == b"train" * 1000


@pytest.mark.parametrize("how", [{"status": 500}, {"reset": True}, {"silent": True}])
def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub: FakeHub, bundle: Bundle, how: dict[str, Any]) -> None:
    hub.fail("POST", "/commit/", after=True, **how)
    assert push(bundle, "user/name").changed
    assert len(hub.repo("dataset", "user/name").commits) == 2
    assert hub.count("POST", "/commit/") == 1


def test_a_pull_request_whose_answer_is_lost_is_not_opened_twice(hub: FakeHub, bundle: Bundle) -> None:
    hub.repos["dataset", "user/name"] = Repo(private=False)
    hub.fail("POST", "/commit/", after=True, reset=True)
    said = refused(bundle, create_pr=True)
    assert said == (
        "the connection to 127.0.0.1 broke off, so the pull request may be open; see "
        f"{hub.url}/datasets/user/name/discussions before you push again"
    )
    assert len(hub.repo("dataset", "user/name").pulls) == 1


def test_a_repository_created_by_a_lost_request_is_filled(hub: FakeHub, bundle: Bundle) -> None:
    hub.fail("POST", "/create", after=True, reset=True)
    hub.fail("POST", "/preupload", status=400)
    assert refused(bundle).endswith("(user/name was created and is still empty)")
    push(bundle, "user/name")
    assert visible(hub) == WHOLE


@pytest.mark.parametrize(
    ("method", "part", "how", "said"),
    [
        ("GET", "/api/", {"status": 401}, "127.0.0.1 does not accept the token (401: made to fail); log in with `hf "),
        ("POST", "/create", {"status": 403}, "the token may not write to user/name (403: made to fail); use one "),
        ("POST", "/preupload", {"status": 403}, "the token may not write to user/name (403: made to fail)"),
        ("POST", "/preupload", {"status": 404}, "127.0.0.1 has no repository user/name that this token can see (404"),
        ("POST", "/commit/", {"status": 409}, "someone else changed user/name during this push (409: made to fail)"),
        ("POST", "/commit/", {"status": 412}, "someone else changed user/name during this push (412: made to fail)"),
        ("POST", "/commit/", {"status": 413}, "127.0.0.1 refuses the push to user/name (413: made to fail)"),
        ("GET", "/api/", {"status": 200, "body": "<html>"}, "127.0.0.1 does not answer as a Hub does; is HF_"),
        ("POST", "/preupload", {"status": 200, "body": [1]}, "127.0.0.1 does not answer as a Hub does; is HF_"),
        ("POST", "/objects/batch", {"status": 200, "body": {"objects": [
            {"oid": "x", "size": 1, "error": {"code": 413, "message": "no space"}}]}},
            "127.0.0.1 does not store the files (LFS batch API returned errors: Encountered error for file with OID "),
        ("POST", "/validate-yaml", {"status": 400, "body": {"errors": [{"message": "no such licence"}]}},
            "127.0.0.1 does not accept the card's metadata: - no such licence"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_sentence_and_is_not_tried_again(
    hub: FakeHub, bundle: Bundle, method: str, part: str, how: dict[str, Any], said: str
) -> None:
    hub.fail(method, part, **how)
    assert refused(bundle).startswith(said)
    assert hub.count("POST", "/commit/") <= 1
    assert set(hub.repos) == set() or visible(hub) == {".gitattributes"}


@pytest.mark.parametrize("how", [{"status": 500}, {"reset": True}, {"silent": True}], ids=str)
def test_a_hub_that_never_answers_well_is_given_up(hub: FakeHub, bundle: Bundle, how: dict[str, Any]) -> None:
    hub.fail("GET", "/api/", times=99, **how)
    assert refused(bundle).endswith(
        f"(3 attempts); nothing of {hub.url}/datasets/user/name has changed, so push again later"
    )
    assert len(hub.requests) == 3


def test_no_hub_at_all(hub: FakeHub, bundle: Bundle) -> None:
    said = refused(bundle, endpoint="http://127.0.0.1:9")  # the port for discarding: nobody listens there
    assert said.startswith("there is no connection to 127.0.0.1 (3 attempts); nothing of ")


def test_an_endpoint_that_is_no_address(hub: FakeHub, bundle: Bundle) -> None:
    assert "is HF_ENDPOINT an address https://…?" in refused(bundle, endpoint="localhost:80")


def test_a_hub_that_wants_to_be_left_alone_for_long_is_left_alone(hub: FakeHub, bundle: Bundle) -> None:
    hub.fail("POST", "/create", status=429, headers={"Retry-After": "3600"})
    assert refused(bundle).startswith("127.0.0.1 answers 429 Too Many Requests and asks to wait 3600 s; nothing of ")
    assert hub.count("POST", "/create") == 1


def test_a_busy_account_does_not_hang_the_push(hub: FakeHub, bundle: Bundle) -> None:
    body = {"error": "Cannot create repo: another conflicting operation is in progress"}
    hub.fail("POST", "/create", status=409, body=body, times=99)
    assert "127.0.0.1 is busy with another operation of this account (409) (3 attempts)" in refused(bundle)
    assert hub.count("POST", "/create") == 3


def test_an_upload_address_that_has_run_out_is_asked_for_again(hub: FakeHub, bundle: Bundle) -> None:
    hub.fail("PUT", "/lfs/", status=403)
    heard: list[str] = []
    push(bundle, "user/name", log=heard.append)
    assert heard == ["the storage at 127.0.0.1 refuses a file (403 Forbidden); attempt 2 in 0.01 s"]
    assert visible(hub) == WHOLE


def test_a_commit_of_someone_else_in_between_is_kept(hub: FakeHub, bundle: Bundle) -> None:
    repo = hub.repos["dataset", "user/name"] = Repo(private=False)
    known = repo.head
    repo.commits.append({**repo.files(), "recipe.yaml": b"theirs"})
    repo.titles.append("theirs")
    siblings = [{"rfilename": ".gitattributes"}]
    body = {"id": "user/name", "sha": known, "private": False, "siblings": siblings, "tags": [], "downloads": 0,
            "likes": 0, "disabled": False, "gated": False}  # fmt: skip
    hub.fail("GET", "/api/datasets/user/name", status=200, body=body)  # what stood there a moment ago
    assert refused(bundle).startswith("someone else changed user/name during this push (412: A commit has happened")
    assert repo.files()["recipe.yaml"] == b"theirs"


@pytest.mark.parametrize(
    "name",
    ["", "name", "user/", "/name", "a/b/c", "https://huggingface.co/user/name", "datasets/user/name", "user/a..b",
     "user/a--b", "user/na me", "user/name.git", "user/-name", "us\ner/x", "user/" + "n" * 97, "user/<b>"],
)  # fmt: skip
def test_a_wrong_name_is_refused_before_anything_is_sent(hub: FakeHub, bundle: Bundle, name: str) -> None:
    with pytest.raises(InputError) as caught:
        push(bundle, name)
    assert caught.value.key == " ".join(name.splitlines()) and "\n" not in str(caught.value)
    assert not hub.requests


@pytest.mark.parametrize("name", ["user/name", "User-1/na_me.v2"])
def test_a_right_name(name: str) -> None:
    check_name(name)


def test_without_a_token(hub: FakeHub, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert refused(bundle) == (
        "there is no token for the Hub; log in with `hf auth login`, or set HF_TOKEN to a token with write access"
    )
    assert not hub.requests


@pytest.mark.parametrize("token", [f"{TOKEN} x", f"{TOKEN}\nX: y", f"{TOKEN}é"])
def test_a_token_that_no_header_can_carry_is_not_repeated(hub: FakeHub, bundle: Bundle, token: str) -> None:
    assert "has characters that no token has" in refused(bundle, token=token)
    assert not hub.requests


def test_a_wrong_token_is_not_repeated_even_if_the_hub_does(hub: FakeHub, bundle: Bundle) -> None:
    wrong = "hf_WRONG0token0never0to0be0seen"
    with pytest.raises(InputError) as caught:
        push(bundle, "user/name", token=wrong)
    assert "does not accept the token (401: Invalid credentials" in str(caught.value)
    assert "***" in str(caught.value)
    assert wrong not in str(caught.value)


def test_offline_is_said(hub: FakeHub, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert refused(bundle) == "HF_HUB_OFFLINE forbids the network; unset it to push"


def test_the_session_leaves_huggingface_hub_as_it_was(hub: FakeHub, bundle: Bundle) -> None:
    import logging

    from huggingface_hub.utils import are_progress_bars_disabled, get_session

    before = logging.getLogger("huggingface_hub").level, are_progress_bars_disabled()
    push(bundle, "user/name")
    assert (logging.getLogger("huggingface_hub").level, are_progress_bars_disabled()) == before
    assert "guarded" not in getattr(get_session().send, "__name__", "")


def test_a_client_that_is_made_anew_inside_of_a_session_is_held_to_the_rule_too(hub: FakeHub) -> None:
    from huggingface_hub.utils import close_session, get_session

    with session(Patience(waits=())):
        close_session()  # as huggingface_hub does by itself after a connection broke off
        with pytest.raises(Fault, match="no connection"):
            get_session().get("http://localhost:9/")


def test_the_user_s_own_clients_are_used_and_left_as_they_were(hub: FakeHub) -> None:
    from huggingface_hub.utils import get_session, set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    made = []

    def own() -> Any:
        made.append(default_client_factory())
        return made[-1]

    set_client_factory(own)
    try:
        with session(Patience()):
            assert get_session() is made[-1]
        assert get_session() is made[-1] and len(made) == 2
    finally:
        set_client_factory(default_client_factory)


def test_a_token_is_hidden_in_every_form_in_which_a_server_repeats_it() -> None:
    token = "hf_AbC/d+e=fGhIjKlMnOpQrStUvWxYz"
    percent = "".join(f"%{ord(letter):02X}" for letter in token)
    forms = [
        token, token.lower(), quote(token, safe=""), quote(quote(token, safe=""), safe=""), percent, percent.lower(),
        "".join(f"\\u{ord(letter):04x}" for letter in token), "".join(f"&#{ord(letter)};" for letter in token),
        "".join(f"&#x{ord(letter):x};" for letter in token),
    ]  # fmt: skip
    for form in forms:
        assert short(f"bad token '{form}' here", token) == "bad token '***' here"
    for before in (b"", b"u", b"us", b"user:"):
        encoded = base64.b64encode(before + token.encode() + b"x").decode()
        said = short(f"Basic {encoded}", token)
        assert "***" in said
        assert len(said) < 20
