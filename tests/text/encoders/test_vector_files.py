from __future__ import annotations

import gzip
import hashlib
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from refusals import refused

from clc_text.errors import InputError
from clc_text.text.encoders.vectors.cache import cached_file
from clc_text.text.encoders.vectors.find import find_vectors, gensim_name, reader_of
from clc_text.text.encoders.vectors.table import VectorTable, Wanted

ALL = Wanted((), 1000)
LINES = "the 0.1 0.2 0.3\ncat -1 2e0 .5\nthe 9 9 9\nsat 1 2 3\n"


def read(path: Path, wanted: Wanted = ALL) -> VectorTable:
    return reader_of(path)(path, wanted)


def write(path: Path, text: str | bytes) -> Path:
    raw = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


@pytest.mark.parametrize("name", ["g.txt", "g.txt.gz", "g.vec", "g", "g.gz"])
@pytest.mark.parametrize("header", ["", "4 3\n"])
def test_text_plain_and_gzip_with_and_without_header(tmp_path: Path, name: str, header: str) -> None:
    path = write(tmp_path / name, header + LINES)
    table = read(path)
    assert table.words == ["the", "cat", "sat"], "of equal words the first counts"
    np.testing.assert_array_equal(table.matrix, np.array([[0.1, 0.2, 0.3], [-1, 2, 0.5], [1, 2, 3]], np.float32))
    assert table.source["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert table.source["words_in_source"] == 4


@pytest.mark.parametrize("header", ["", "4 3\n"])
def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path, header: str) -> None:
    path = write(tmp_path / "g.txt", ("\ufeff" + header + LINES).encode())
    table = read(path, Wanted({"the", "cat", "sat"}, 0))
    assert (table.words, table.dimension) == (["the", "cat", "sat"], 3)
    assert table.source["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_the_wanted_words_and_the_first_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "g.txt", LINES)
    assert read(path, Wanted({"sat", "dog"}, 0)).words == ["sat"]
    assert read(path, Wanted({"sat"}, 1)).words == ["the", "sat"]
    assert read(path, Wanted({"dog"}, 0)).matrix.shape == (0, 3)


def test_words_with_spaces_line_ends_and_odd_blanks(tmp_path: Path) -> None:
    text = "a 1 2 3 \r\n. . 4 5 6\nat me@x.org 7 8 9\n\nx\u00a0y\u2028z 1 1 1\n2 0 0 1"
    table = read(write(tmp_path / "g.txt", text))
    assert table.words == ["a", ". .", "at me@x.org", "x\u00a0y\u2028z", "2"]
    assert table.matrix[1].tolist() == [4, 5, 6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "holds no word vectors"),
        ("3 3\n", "holds no word vectors"),
        ("text,label\nhello,1\n", "not a text file of word vectors: line 1"),
        ("a 1 2 3\nb 1 2\n", "line 2 has 2 numbers where the first line has 3"),
        ("a 1 2 3\nb 1 2 3 4\n", "line 2 has 4 numbers where the first line has 3"),
        ("a 1 2 3\nb 1 two 3\n", "line 2 needs 3 numbers behind its word, but holds 'two'"),
        ("a 1 2 3\nb 1 nan 3\n", r"line 2 \('b'\) holds NaN or an infinite value"),
        ("a 1 2 3\na 1 nan 3\nc 1 2 -inf\n", r"line 3 \('c'\) holds NaN"),
        ("a 1 2 3\nb 1 1e99 3\n", r"line 2 \('b'\) holds NaN or an infinite value"),
        ("5 3\na 1 2 3\n", "line 1 promises 5 words, but 1 follow"),
        ("caf\xe9 1 2\nna\xefve 1 2\nb 3 4\n".encode("latin1"), "not UTF-8 .2 words, the first in line 1"),
    ],
)
def test_bad_text_is_named(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = write(tmp_path / "bad.txt", text)
    with pytest.raises(InputError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_with_a_header_a_word_may_be_blank_or_numbers(tmp_path: Path) -> None:
    lines = ["6 2", "the 1 2", " 3 4", "  5 6", "1 2 7 8", "1 1/2 9 10", "Apollo 11 11 12"]
    table = read(write(tmp_path / "g.vec", "\n".join(lines) + "\n"))
    assert table.words == ["the", "", " ", "1 2", "1 1/2", "Apollo 11"]
    assert table.matrix[1:4].tolist() == [[3, 4], [5, 6], [7, 8]] and table.matrix[5].tolist() == [11, 12]
    with refused(where=tmp_path / "cut.vec", row=2):
        read(write(tmp_path / "cut.vec", "1 2\nthe 1\n"))


def test_one_broken_word_is_left_out_and_counted(tmp_path: Path) -> None:
    table = read(write(tmp_path / "g.txt", b"a 1 2\n\xff\xfe 1 2\nb 3 4\n"))
    assert table.words == ["a", "b"]
    assert table.source["words_not_utf8"] == 1


def test_truncated_and_damaged_gzip(tmp_path: Path) -> None:
    whole = gzip.compress(("\n".join(f"w{n} {n} 0.5 {n * 7919 % 1013}" for n in range(20000))).encode())
    (tmp_path / "cut.txt.gz").write_bytes(whole[: len(whole) // 2])
    with refused(where=tmp_path / "cut.txt.gz"):
        read(tmp_path / "cut.txt.gz")
    (tmp_path / "bad.txt.gz").write_bytes(whole[:1000] + bytes(200) + whole[1200:])
    with refused(where=tmp_path / "bad.txt.gz"):
        read(tmp_path / "bad.txt.gz")


@pytest.fixture(scope="module")
def gensim_store():
    from gensim.models import KeyedVectors

    store = KeyedVectors(4)
    store.add_vectors(["the", "cat", "sät"], np.arange(12, dtype=np.float32).reshape(3, 4) / 7)
    return store


@pytest.mark.parametrize("name", ["g.bin", "g.bin.gz", "g.gz"])
def test_word2vec_binary(tmp_path: Path, gensim_store, name: str) -> None:
    path = tmp_path / name
    gensim_store.save_word2vec_format(str(path), binary=True)
    table = read(path)
    assert table.words == ["the", "cat", "sät"]
    np.testing.assert_array_equal(table.matrix, gensim_store.vectors)
    assert read(path, Wanted({"sät"}, 0)).words == ["sät"]


def test_truncated_word2vec_binary(tmp_path: Path, gensim_store) -> None:
    path = tmp_path / "g.bin"
    gensim_store.save_word2vec_format(str(path), binary=True)
    path.write_bytes(path.read_bytes()[:-3])
    with refused(where=path):
        read(path)
    with refused(where=tmp_path / "other.bin"):
        read(write(tmp_path / "other.bin", LINES))


@pytest.mark.parametrize("word", ["New York", "a b", "a bcd", "in front of", "a ", "Ünï cödé wörd"])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("newline", [b"", b"\n"])
@pytest.mark.parametrize("dimension", [50, 300])
def test_a_word_with_a_blank_in_a_binary_file_is_told(
    tmp_path: Path, word: str, place: int, newline: bytes, dimension: int
) -> None:
    """Whatever it shifts: by whole numbers or by parts of them, in the middle of the file or at its end."""
    random = np.random.default_rng(place)
    words = ["one", "two"]
    words.insert(place, word)
    lines = [
        name.encode() + b" " + (0.3 * random.standard_normal(dimension)).astype("<f4").tobytes() + newline
        for name in words
    ]
    path = write(tmp_path / "g.bin", b"3 %d\n" % dimension + b"".join(lines))
    with pytest.raises(InputError, match=r"out of step|truncated|NaN or an infinite|not UTF-8"):
        read(path)
    as_text = [f"{name} " + " ".join(["0.5"] * dimension) for name in words]
    assert read(write(tmp_path / "g.txt", f"3 {dimension}\n" + "\n".join(as_text))).words == words


@pytest.mark.parametrize("name", ["g.bin", "g"])
def test_fasttext_binary(tmp_path: Path, name: str) -> None:
    from gensim.models import FastText
    from gensim.models.fasttext import save_facebook_model

    texts = [["where", "is", "the", "river"], ["who", "wrote", "the", "name"]] * 5
    model = FastText(texts, vector_size=6, min_count=1, bucket=50, epochs=1, seed=0, workers=1)
    save_facebook_model(model, str(tmp_path / "model.bin"))
    path = write(tmp_path / name, (tmp_path / "model.bin").read_bytes())
    table = read(path, Wanted({"river", "rivers", "x"}, 0))
    assert table.words[:2] == ["river", "rivers"] and table.source["words_from_pieces"] >= 1
    np.testing.assert_allclose(table.matrix[0], model.wv["river"], rtol=1e-5)
    np.testing.assert_allclose(table.matrix[1], model.wv["rivers"], rtol=1e-5)
    with refused(where=tmp_path / "packed.bin.gz"):
        read(write(tmp_path / "packed.bin.gz", path.read_bytes()))
    for end in (20, 200, 600):
        (tmp_path / "cut.bin").write_bytes((tmp_path / "model.bin").read_bytes()[:end])
        with refused(where=tmp_path / "cut.bin"):
            read(tmp_path / "cut.bin")


def test_a_whole_model_of_gensim_is_not_unpickled(tmp_path: Path) -> None:
    from gensim.models import Word2Vec

    model = Word2Vec([["a", "b"]] * 5, vector_size=3, min_count=1, epochs=1, workers=1)
    for name in ("w.model", "w.kv", "w"):
        model.save(str(tmp_path / name))
        with pytest.raises(InputError, match=r"whole Word2Vec model .*Word2Vec\.load\(.*save_word2vec_format"):
            read(tmp_path / name)
    model.wv.save(str(tmp_path / "w.wordvectors"))
    assert sorted(read(tmp_path / "w.wordvectors").words) == ["a", "b"]


def archive(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in members.items():
            made.writestr(name, text)
    return path


def test_vectors_in_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = {f"glove.6B.{size}d.txt": f"the {' '.join(['0.5'] * size)}\n" for size in (50, 100)}
    both = archive(tmp_path / "glove.6B.zip", members)
    with refused(where=both):
        find_vectors(str(both))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLC_TEXT_DATA", raising=False)
    for name in ("glove.6B.100d", "glove.6B.100d.txt", "glove.6B.zip/glove.6B.100d", str(both / "glove.6B.100d.txt")):
        found = find_vectors(name)
        assert read(found).dimension == 100 and found.name == "glove.6B.100d.txt"
        assert cached_file(found, ALL, reader_of(found)).dimension == 100
    assert read(found).source["sha256"] == hashlib.sha256(members["glove.6B.100d.txt"].encode()).hexdigest()
    one = archive(tmp_path / "wiki.vec.zip", {"__MACOSX/._wiki.vec": "x", "readme": "x", "wiki.vec": LINES})
    assert read(find_vectors(str(one))).words == read(find_vectors("wiki.vec")).words == ["the", "cat", "sat"]

    with refused(where=tmp_path / "none.zip"):
        find_vectors(str(archive(tmp_path / "none.zip", {"readme": "x"})))
    whole = both.read_bytes()
    for name, content in {"cut.zip": whole[: len(whole) // 2], "text.zip": b"the 1 2\n"}.items():
        (tmp_path / name).write_bytes(content)
        with refused(where=name):
            find_vectors(name)
    (tmp_path / "bad.zip").write_bytes(whole[:45] + bytes(10) + whole[55:])
    with refused(where="bad.zip"):
        read(find_vectors("bad.zip/glove.6B.50d.txt"))


@pytest.mark.parametrize("separately", [[], ["vectors"]])
@pytest.mark.parametrize("name", ["g.kv", "g.wordvectors", "g.model"])
def test_gensim_file(tmp_path: Path, gensim_store, separately: list[str], name: str) -> None:
    path = tmp_path / name
    gensim_store.save(str(path), separately=separately)
    table = read(path, Wanted({"sät"}, 1))
    assert table.words == ["the", "sät"]
    np.testing.assert_array_equal(table.matrix, gensim_store.vectors[[0, 2]])
    if separately:
        (tmp_path / f"{name}.vectors.npy").unlink()
        with refused(where=path):
            read(path)


def test_a_pickle_that_would_run_code_does_not(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    for name in ("evil.kv", "evil.pt"):
        (tmp_path / name).write_bytes(pickle.dumps(Evil()))
        with refused(where=tmp_path / name, says="asks for"):
            read(tmp_path / name)
    assert not (tmp_path / "ran").exists()
    with refused(where=tmp_path / "text.kv"):
        read(write(tmp_path / "text.kv", LINES))


def test_torchtext_cache_file(tmp_path: Path) -> None:
    words, matrix = ["a", "b"], torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    torch.save((words, {"a": 0, "b": 1}, matrix, 2), tmp_path / "g.txt.pt")
    table = read(tmp_path / "g.txt.pt", Wanted({"b"}, 0))
    assert (table.words, table.matrix.tolist()) == (["b"], [[3.0, 4.0]])
    torch.save((words, {}, torch.tensor([[1.0, float("nan")], [3.0, 4.0]]), 2), tmp_path / "nan.pt")
    with refused(where="nan.pt", key="a"):
        read(tmp_path / "nan.pt")


def test_a_table_is_a_gensim_store(tmp_path: Path) -> None:
    table = read(write(tmp_path / "g.txt", LINES))
    store = table.keyed_vectors()
    assert store.most_similar("the", topn=1)[0][0] == "sat"
    assert store.vectors is table.matrix


def test_where_files_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, data, gensim = tmp_path / "here", tmp_path / "data", tmp_path / "gensim"
    for folder in (here, data / "glove", gensim / "glove-wiki-gigaword-50"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(here)
    monkeypatch.setenv("CLC_TEXT_DATA", str(data))
    monkeypatch.setenv("GENSIM_DATA_DIR", str(gensim))
    name = "glove.6B.50d"
    with refused(key="encoder.vectors") as caught:
        find_vectors(name)
    for place in (here, data / "glove", gensim):
        assert str(place) in str(caught.value)
    expected = [
        gensim / "glove-wiki-gigaword-50" / "glove-wiki-gigaword-50.gz",
        data / "glove" / "glove.6B.50d.subset.txt.gz",
        data / "glove" / "glove.6B.50d.txt",
        here / "glove.6B.50d.txt",
    ]
    for path in expected:
        write(path, LINES)
        assert find_vectors(name).resolve() == path
    assert find_vectors(str(data / "glove" / "glove.6B.50d.txt")) == data / "glove" / "glove.6B.50d.txt"
    monkeypatch.delenv("CLC_TEXT_DATA")
    with refused(key="encoder.vectors"):
        find_vectors("my/own.txt")


def test_gensim_names_of_glove() -> None:
    assert gensim_name("glove.6B.300d") == "glove-wiki-gigaword-300"
    assert gensim_name("glove.twitter.27B.25d") == "glove-twitter-25"
    assert gensim_name("word2vec-google-news-300") == "word2vec-google-news-300"
