"""One commit to a repository of the Hub.

The repository is looked up (and created where there is none and the card is accepted), large files are uploaded, then
one commit puts all files in place. An uploaded file is invisible until a commit names it, so a push that breaks off
anywhere leaves the repository as it was: an earlier push whole, or a new repository empty. A commit whose answer was
lost is no danger either: the next attempt compares the files by their hashes and finds nothing left to do. So every
attempt starts from the beginning, and the command may be repeated at any time.

A new repository has its final visibility from the start, since nothing in it can be seen before the commit. Filling it
while private and publishing it afterwards would add a step that can fail, and hide nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from clc_text.errors import InputError
from clc_text.hub.answers import LOG_IN, REFUSED_CARD, short, understood
from clc_text.hub.bundle import CARD, Bundle
from clc_text.hub.session import Fault, Patience, session

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import DatasetInfo, ModelInfo

# What the Hub or its web page puts into a repository by itself.
_OF_ANY_REPOSITORY = (".gitattributes", CARD, "LICENSE", "LICENSE.md", "LICENSE.txt")
# Every bundle has one, so it tells a repository that a push may replace.
MARK = "recipe.yaml"


@dataclass(frozen=True)
class Pushed:
    """What a push did: the page to look at, and whether it changed anything there."""

    url: str
    changed: bool
    pull_request: bool = False


def push(
    bundle: Bundle,
    repo: str,
    *,
    private: bool = False,
    create_pr: bool = False,
    token: str | None = None,
    endpoint: str | None = None,
    patience: Patience | None = None,
    log: Callable[[str], None] = lambda message: None,
) -> Pushed:
    """Brings a repository of the Hub to the bundle's state.

    Args:
        repo: ``"user/name"``.
        private: whether a new repository is private; one that exists must be, before anything is sent.
        create_pr: propose the commit as a pull request to a repository that exists.
        token: None takes the one of `hf auth login` or HF_TOKEN.
        endpoint: the Hub's address; None takes huggingface_hub's (HF_ENDPOINT).
        log: told of every attempt that failed and is made again.

    Raises:
        InputError: the name is not valid, there is no token, or the Hub refuses or does not answer; the repository is
            then as it was.
    """
    from huggingface_hub import HfApi

    check_name(repo)
    patience = patience or Patience()
    token = _token(token)
    api = HfApi(endpoint=endpoint, token=token)
    _check_endpoint(api.endpoint)
    job = _Push(bundle, repo, private, create_pr, api, token)
    with session(patience):
        return job.run(patience, log)


def check_name(repo: str) -> None:
    """Whether a name is ``user/name`` as the Hub allows it.

    Raises:
        InputError: it is not.
    """
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    if "://" in repo or repo.count("/") != 1:
        raise InputError(
            f"'{short(repo, '')}' is no repository name; write user/name, without the rest of an address",
            key=short(repo, ""),
        )
    try:
        validate_repo_id(repo)
    except HFValidationError:
        raise InputError(
            f"'{short(repo, '')}' is no valid repository name: user/name may have letters, digits, '-', '_' and '.', "
            "not at its ends, no '--' or '..', and at most 96 characters",
            key=short(repo, ""),
        ) from None


def _check_endpoint(endpoint: str) -> None:
    """Refuses a user name or password in the Hub's address.

    They go out in a header that is not the token's, so in a server's words repeated to the user nobody would know
    them, and they would stand in the address of the page that a push ends with.
    """
    if "@" in endpoint:
        raise InputError(
            "the Hub's address (HF_ENDPOINT) holds a user name or password before an '@'; leave them out, and give "
            "the token by HF_TOKEN or `hf auth login`"
        )


def _token(given: str | None) -> str:
    from huggingface_hub import get_token
    from huggingface_hub.constants import is_offline_mode

    if is_offline_mode():
        raise InputError("HF_HUB_OFFLINE forbids the network; unset it to push", key="HF_HUB_OFFLINE")
    token = given or get_token()
    if not token:
        raise InputError(f"there is no token for the Hub; {LOG_IN}")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise InputError(f"the token for the Hub has characters that no token has; {LOG_IN}")
    return token


@dataclass
class _Push:
    bundle: Bundle
    repo: str
    private: bool
    create_pr: bool
    api: HfApi
    token: str
    absent: bool = field(default=False, init=False)
    created: bool = field(default=False, init=False)
    unsure: bool = field(default=False, init=False)

    @property
    def host(self) -> str:
        return urlsplit(self.api.endpoint).hostname or self.api.endpoint

    @property
    def page(self) -> str:
        folder = "datasets/" if self.bundle.kind == "dataset" else ""
        return f"{self.api.endpoint}/{folder}{self.repo}"

    def run(self, patience: Patience, log: Callable[[str], None]) -> Pushed:
        for attempt, wait in enumerate((*patience.waits, None), start=1):
            try:
                return self._once()
            except Fault as fault:
                lost_request = self.create_pr and fault.commit  # a second one would stand beside the first
                if wait is None or lost_request or fault.wait > patience.longest:
                    raise InputError(self._given_up(fault, attempt)) from None
                self.unsure |= fault.commit
                pause = max(wait, fault.wait)
                log(f"{fault}; attempt {attempt + 1} in {pause:g} s")
                time.sleep(pause)
            except InputError as error:
                raise InputError(f"{error}{self._left()}") from None
        raise AssertionError("the last attempt returns or raises")

    def _given_up(self, fault: Fault, attempts: int) -> str:
        asked = f" and asks to wait {fault.wait:g} s" if fault.wait else ""
        tried = f" ({attempts} attempts)" if attempts > 1 else ""
        if self.create_pr and fault.commit:
            return f"{fault}, so the pull request may be open; see {self.page}/discussions before you push again"
        if fault.commit:
            return f"{fault}{asked}{tried}, so {self.page} may be up to date or as it was; push again to be sure"
        return f"{fault}{asked}{tried}; nothing of {self.page} has changed, so push again later{self._left()}"

    def _left(self) -> str:
        """What stands on the Hub that was not there before this push: at most an empty repository."""
        return f" ({self.repo} was created and is still empty)" if self.created else ""

    def _once(self) -> Pushed:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        info = self._repository()
        present = [sibling.rfilename for sibling in info.siblings or []]
        self._check(present, bool(info.private))
        adds = [CommitOperationAdd(CARD, self.bundle.card.encode())]
        adds += [CommitOperationAdd(path, str(source)) for path, source in sorted(self.bundle.files.items())]
        deletes = [CommitOperationDelete(path) for path in self.bundle.stale(present)]
        with self._understood():
            commit = self.api.create_commit(
                self.repo,
                [*adds, *deletes],
                commit_message=self.bundle.title,
                repo_type=self.bundle.kind,
                create_pr=self.create_pr,
                # A commit of someone else that came in between is not to be undone by this one.
                parent_commit=None if self.create_pr else info.sha,
            )
        if commit.pr_url:
            return Pushed(commit.pr_url, changed=True, pull_request=True)
        return Pushed(self.page, changed=self.unsure or commit.oid != info.sha)

    def _repository(self) -> DatasetInfo | ModelInfo:
        """What is known of the repository, which is created where there is none."""
        found = self._look()
        if found is None:
            if self.create_pr:
                raise InputError(
                    f"there is no {self.bundle.kind} {self.repo} to open a pull request for; push without --create-pr",
                    where=self.repo,
                )
            self._check_card()
            self.absent = True
            with self._understood():
                self.api.create_repo(self.repo, repo_type=self.bundle.kind, private=self.private, exist_ok=True)
            found = self._look()
            if found is None:
                raise InputError(
                    f"{self.host} has created {self.repo} and does not know it; push again later", where=self.repo
                )
        self.created = self.absent  # also where the answer to an earlier attempt's request was lost
        return found

    def _check_card(self) -> None:
        """Asks whether the card's metadata is accepted: the commit asks too, when an empty repository is there.

        Where no answer of use comes, the commit's question decides.
        """
        from huggingface_hub.utils import build_hf_headers, get_session

        with self._understood():
            answer = get_session().post(
                f"{self.api.endpoint}/api/validate-yaml",
                json={"content": self.bundle.card, "repoType": self.bundle.kind},
                headers=build_hf_headers(token=self.token),
            )
            if answer.status_code == 400:
                said = " ".join(f"- {error['message']}" for error in answer.json()["errors"])
                raise ValueError(f"{REFUSED_CARD} {said}")

    def _look(self) -> DatasetInfo | ModelInfo | None:
        from huggingface_hub.errors import HfHubHTTPError

        with self._understood():
            try:
                if self.bundle.kind == "dataset":
                    return self.api.dataset_info(self.repo)
                return self.api.model_info(self.repo)
            except HfHubHTTPError as error:
                if error.response.status_code == 404:
                    return None
                raise

    def _understood(self) -> AbstractContextManager[None]:
        return understood(self.repo, self.host, self.token)

    def _check(self, present: list[str], is_private: bool) -> None:
        """Refuses to send where the user cannot mean it."""
        if self.private and not is_private:
            raise InputError(
                f"{self.repo} is public, so nothing was sent; say --public if that is meant, make it private, or "
                "choose another name",
                where=self.repo,
            )
        others = sorted(set(present) - set(_OF_ANY_REPOSITORY))
        if others and MARK not in present and not self.create_pr:
            raise InputError(
                f"{self.repo} holds something else (it has {others[0]} and no {MARK}), which a push would replace; "
                "choose another name, or propose the change with --create-pr",
                where=self.repo,
            )
