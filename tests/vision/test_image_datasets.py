"""Image datasets in every form in which they are published, with their defects."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from refusals import refused

from clc_text.errors import InputError
from clc_text.vision.datasets.cifar import CIFAR10_CLASSES, Cifar10, Cifar100
from clc_text.vision.datasets.clothing1m import Clothing1M
from clc_text.vision.datasets.food101n import Food101, Food101N
from clc_text.vision.datasets.reading.subset import balanced
from clc_text.vision.datasets.reading.tables import encode_png
from clc_text.vision.encoders.pixels import FittedPixels, Pixels
from clc_text.vision.images import LazyImages, decode, decode_all, undecoded

ROWS = {"train": 30, "test": 10}


def drawn(rows: int, seed: int) -> tuple[np.ndarray, list[int]]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (rows, 32, 32, 3)).astype(np.uint8), [row % 10 for row in range(rows)]


def hub_folder(folder: Path, label: str = "label") -> Path:
    folder.mkdir(parents=True)
    for seed, (split, rows) in enumerate(ROWS.items()):
        pixels, labels = drawn(rows, seed)
        images = [{"bytes": encode_png(image), "path": f"{row}.png"} for row, image in enumerate(pixels)]
        half = rows // 2
        for shard, part in enumerate((slice(0, half), slice(half, rows))):
            table = pa.table({"img": images[part], label: labels[part]})
            pq.write_table(table, folder / f"{split}-0000{shard}-of-00002.parquet")
    return folder


def pickled(folder: Path, name: str, rows: int, seed: int, label: str) -> tuple[np.ndarray, list[int]]:
    folder.mkdir(parents=True, exist_ok=True)
    pixels, labels = drawn(rows, seed)
    batch = {b"data": pixels.transpose(0, 3, 1, 2).reshape(rows, -1), label.encode(): labels}
    (folder / name).write_bytes(pickle.dumps(batch, 2))
    return pixels, labels


# ---- CIFAR ----


def test_the_hubs_parquet(tmp_path: Path) -> None:
    task = Cifar10(path=str(hub_folder(tmp_path / "hub"))).load(0)
    assert (task.name, len(task.train), len(task.test)) == ("cifar10", 30, 10)
    assert task.label_names == CIFAR10_CLASSES
    assert task.given_labels.tolist() == task.true_labels.tolist() == [row % 10 for row in range(30)]
    assert np.array_equal(np.array(task.train[17]["img"]), drawn(30, 0)[0][17])
    assert task.sources[0]["path"] == "train-00000-of-00002.parquet"


@pytest.mark.parametrize("inside", [True, False])
def test_the_official_pickles_give_the_same_rows(tmp_path: Path, inside: bool) -> None:
    folder = tmp_path / "cifar-10-batches-py"
    expected = [pickled(folder, f"data_batch_{number}", 4, number, "labels") for number in range(1, 6)]
    tests = pickled(folder, "test_batch", 6, 9, "labels")
    task = Cifar10(path=str(folder if inside else tmp_path)).load(0)
    pixels = decode_all(task.train["img"], None).numpy().transpose(0, 2, 3, 1)
    assert np.array_equal(pixels, np.concatenate([images for images, _ in expected]))
    assert task.given_labels.tolist() == [label for _, labels in expected for label in labels]
    assert task.test_labels.tolist() == tests[1]


def test_cifar100(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-100-python"
    pickled(folder, "train", 20, 0, "fine_labels")
    pickled(folder, "test", 5, 1, "fine_labels")
    task = Cifar100(path=str(tmp_path)).load(0)
    assert task.label_column == "fine_label" and len(task.label_names) == 100 and task.label_names[26] == "crab"


def test_files_that_are_not_cifar(tmp_path: Path) -> None:
    with refused(key="CIFAR-10"):
        Cifar10(path=str(tmp_path / "nowhere")).load(0)
    folder = hub_folder(tmp_path / "hub", label="klass")
    with refused(where=f"{tmp_path / 'hub'} (train)", key="label"):
        Cifar10(path=str(folder)).load(0)
    (folder / "test-00000-of-00002.parquet").write_bytes(b"PAR1 cut")
    with refused(where=folder / "test-00000-of-00002.parquet"):
        Cifar10(path=str(folder)).load(0)
    pickled(tmp_path / "p" / "cifar-100-python", "train", 3, 0, "fine_labels")
    (tmp_path / "p/cifar-100-python/test").write_bytes(pickle.dumps({"data": [1], "fine_labels": [1]}))
    with refused(where=tmp_path / "p/cifar-100-python/test"):
        Cifar100(path=str(tmp_path / "p")).load(0)


def test_human_labels(tmp_path: Path) -> None:
    folder = hub_folder(tmp_path / "hub")
    clean = np.arange(30) % 10
    worse = (clean + (np.arange(30) % 3 == 0)) % 10
    file = folder / "cifar10n_human_labels.parquet"
    pq.write_table(pa.table({"clean_label": clean.astype(np.int8), "worse_label": worse.astype(np.int8)}), file)
    task = Cifar10(path=str(folder), labels="worse").load(0)
    assert task.name == "cifar10n-worse"
    assert task.given_labels.tolist() == worse.tolist() and task.true_labels.tolist() == clean.tolist()
    assert task.test_labels.tolist() == [row % 10 for row in range(10)]  # test labels are never touched
    assert task.facts["human_labels_wrong"] == pytest.approx(1 / 3, abs=1e-3)
    with refused(where=file, key="aggre_label"):
        Cifar10(path=str(folder), labels="aggre").load(0)
    pq.write_table(pa.table({"clean_label": clean[::-1].copy(), "worse_label": worse}), file)
    with refused(where=file):
        Cifar10(path=str(folder), labels="worse").load(0)
    file.unlink()
    with refused(key="data.labels"):
        Cifar10(path=str(folder), labels="worse").load(0)


def test_the_real_files(real_data: Path) -> None:
    if not (real_data / "cifar10").is_dir():
        pytest.skip("there is no cifar10 in CLC_TEXT_DATA")
    task = Cifar10(path=str(real_data / "cifar10"), rows=200, test_rows=50, labels="worse").load(0)
    assert np.bincount(task.true_labels).tolist() == [20] * 10 and np.bincount(task.test_labels).tolist() == [5] * 10
    assert 0.2 < (task.given_labels != task.true_labels).mean() < 0.6  # 40 % of all rows
    pixels = decode_all(task.train["img"], None)
    assert pixels.shape == (200, 3, 32, 32) and 100 < pixels.float().mean() < 140


def test_a_balanced_subset() -> None:
    labels = np.array([0] * 50 + [1] * 30 + [2] * 2)
    rows = balanced(labels, 30, 0, "here", "rows")
    assert np.bincount(labels[rows]).tolist() == [14, 14, 2]
    assert (np.diff(rows) > 0).all()
    assert balanced(labels, 30, 1, "here", "rows").tolist() != rows.tolist()
    assert balanced(labels, None, 0, "here", "rows") is None
    with refused(where="here", key="data.rows"):
        balanced(labels, 83, 0, "here", "rows")
    with refused(key="data.test_rows"):
        Cifar10(test_rows=0)


# ---- Clothing1M ----

BROKEN = "images/2/26/3761328114,905362226.jpg"


def picture(path: Path, size: tuple[int, int] = (40, 30), colour: tuple[int, int, int] = (200, 10, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def clothing(root: Path, prefix: str) -> list[str]:
    keys = [f"images/{d}/{d}{d}/13010{d},34785{d}.jpg" for d in range(4)]
    for key in keys:
        picture(root / (key if prefix else key.removeprefix("images/")))
    return keys


@pytest.mark.parametrize("prefix", ["images/", ""])
@pytest.mark.parametrize("together", [True, False])
def test_clothing1m_in_all_its_forms(tmp_path: Path, prefix: str, together: bool) -> None:
    keys = clothing(tmp_path, prefix)
    labels = dict(zip(keys, (9, 5, 13, 0), strict=True))
    if together:
        lines = [f"{key} {label}" for key, label in labels.items()]
        (tmp_path / "noisy_train.txt").write_text("\n".join([*lines[:2], f"{BROKEN} "]) + "\n")
        (tmp_path / "clean_test.txt").write_text("\n".join(lines[2:]) + "\n")
    else:
        (tmp_path / "noisy_train_key_list.txt").write_text("\n".join([*keys[:2], BROKEN]) + "\n")
        (tmp_path / "clean_test_key_list.txt").write_text("\n".join(keys[2:]) + "\n")
        for kind in ("noisy", "clean"):
            kv = "\n".join(f"{key} {label}" for key, label in labels.items())
            (tmp_path / f"{kind}_label_kv.txt").write_text(kv + "\n")
    task = Clothing1M(path=str(tmp_path)).load(0)
    assert task.given_labels.tolist() == [9, 5] and task.test_labels.tolist() == [13, 0]
    assert task.true_labels is None
    assert task.train["key"][:] == keys[:2]
    assert task.facts == {"train_lines_without_label": 1}
    assert task.train[0]["image"].size == (40, 30)


def test_clothing1ms_real_lists(real_data: Path) -> None:
    """Their one broken line is left out and counted; the images are not there, and the message says which."""
    folder = real_data / "clothing1m_sample"
    if not folder.is_dir():
        pytest.skip("there is no clothing1m_sample in CLC_TEXT_DATA")
    from clc_text.vision.datasets.reading.lists import read_labelled

    lines = (folder / "clean_train.txt").read_text().splitlines()
    assert f"{BROKEN} " in lines
    listed, without = read_labelled(folder / "clean_train.txt", 14)
    assert without == 1 and len(listed.keys) == len(lines) - 1 and BROKEN not in listed.keys
    assert all(key.count(",") == 1 and key.endswith(".jpg") for key in listed.keys)
    assert f"{listed.keys[7]} {listed.labels[7]}" == lines[7]
    sentence = (
        r"2,010 of the 2,010 images that .*clean_train.txt lists are not there \(images/0/00/1301091984,3478567000"
    )
    with pytest.raises(InputError, match=sentence + r".*found 0; bring them$"):
        Clothing1M(path=str(folder), train="clean").load(0)


def test_missing_images_are_counted_or_left_out(tmp_path: Path) -> None:
    keys = clothing(tmp_path, "images/")
    (tmp_path / "noisy_train.txt").write_text("".join(f"{key} 1\n" for key in [*keys, "images/9/99/1,2.jpg"]))
    (tmp_path / "clean_test.txt").write_text(f"{keys[0]} 2\n")
    with pytest.raises(InputError) as caught:
        Clothing1M(path=str(tmp_path)).load(0)
    assert str(caught.value) == (
        f"1 of the 5 images that {tmp_path}/noisy_train.txt lists are not there (images/9/99/1,2.jpg); looked in "
        f"{tmp_path} and found 4; bring them, or set data.missing=drop to go on without"
    )
    task = Clothing1M(path=str(tmp_path), missing="drop").load(0)
    assert len(task.train) == 4 and task.facts == {"missing_train_images": 1}


def test_bad_lines_are_named(tmp_path: Path) -> None:
    clothing(tmp_path, "images/")
    (tmp_path / "clean_test.txt").write_text("images/0/00/a.jpg 1\n")
    lines: list[tuple[str, dict[str, Any]]] = [
        ("images/0/00/13010,34785.jpg 14", {"row": 2}),
        ("images/0/00/13010,34785.jpg x", {"row": 2}),
        ("nonsense", {"row": 2}),
        ("images/../../secret.jpg 3", {"key": "images/../../secret.jpg"}),
    ]
    for line, told in lines:
        (tmp_path / "noisy_train.txt").write_text(f"images/0/00/130100,347850.jpg 1\n{line}\n")
        with refused(where=tmp_path / "noisy_train.txt", **told):
            Clothing1M(path=str(tmp_path)).load(0)


# ---- Food-101 and Food-101N ----


def test_the_sample_of_food101(real_data: Path) -> None:
    folder = real_data / "food101_sample"
    if not folder.is_dir():
        pytest.skip("there is no food101_sample in CLC_TEXT_DATA")
    task = Food101(path=str(folder), missing="drop").load(0)
    assert (len(task.train), len(task.test), len(task.label_names)) == (50, 20, 10)
    assert task.facts == {"missing_train_images": 3700, "missing_test_images": 1230}
    assert np.bincount(task.given_labels).tolist() == [5] * 10
    pixels = Pixels(size=64, in_memory=False).fit(task.train["image"], [], 0).encode(task.train["image"])["pixels"]
    assert isinstance(pixels, LazyImages) and pixels.shape == (50, 3, 64, 64)
    assert np.array_equal(pixels[10:14].numpy(), decode_all(task.train["image"], 64)[10:14].numpy())


def food101n(root: Path, header: bool = True) -> tuple[Path, Path]:
    noisy, clean = root / "Food-101N_release", root / "food-101"
    names, quirk = ["filet_mignon", "hot_and_sour_soup"], "a49e6fb26e356c6c41a37b5c18176355.jpg"
    keys = [f"filet_mignon/{quirk}", "filet_mignon/aa.jpg", "hot_and_sour_soup/bb.jpg"]
    for key in keys:
        picture(noisy / "images" / key)
    for name in names:
        picture(clean / "images" / name / "1.jpg")
    for folder in (noisy, clean):
        (folder / "meta").mkdir()
    top = {"names": ["class_name"], "list": ["class_name/key"], "verified": ["class_name/key\tverification_label"]}
    first = top if header else {"names": [], "list": [], "verified": []}
    (noisy / "meta/classes.txt").write_text("\n".join([*first["names"], *names]) + "\n")
    (noisy / "meta/imagelist.tsv").write_text("\n".join([*first["list"], *keys]) + "\n")
    verified = [f"hot_and_sour_soup/{quirk}\t1", "filet_mignon/aa.jpg\t0"]
    (noisy / "meta/verified_train.tsv").write_text("\n".join([*first["verified"], *verified]) + "\n")
    (clean / "meta/classes.txt").write_text("\n".join(names) + "\n")
    for split in ("train", "test"):
        (clean / f"meta/{split}.txt").write_text("".join(f"{name}/1\n" for name in names))
    return noisy, clean


def test_listed_images_are_found_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run keeps the paths of its images, and `report` may be called from elsewhere than `train` was."""
    food101n(tmp_path)
    clothing(tmp_path / "clothes", "images/")
    for part in ("noisy_train", "clean_test"):
        (tmp_path / f"clothes/{part}.txt").write_text("images/0/00/130100,347850.jpg 1\n")
    monkeypatch.chdir(tmp_path)
    noisy = Food101N(path="Food-101N_release", test_path="food-101")
    tasks = [one.load(0) for one in (noisy, Food101(path="food-101"), Clothing1M(path="clothes"))]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for task in tasks:
        for rows in (task.train, task.test):
            assert rows["image"][0].size == (40, 30)
            assert all(Path(image["path"]).is_absolute() for image in undecoded(rows["image"]))


@pytest.mark.parametrize("header", [True, False])
def test_food101n(tmp_path: Path, header: bool) -> None:
    noisy, clean = food101n(tmp_path, header)
    task = Food101N(path=str(noisy), test_path=str(clean)).load(0)
    assert task.label_names == ["filet_mignon", "hot_and_sour_soup"]
    assert task.given_labels.tolist() == [0, 0, 1] and task.test_labels.tolist() == [0, 1]
    assert task.train["verified"][:] == [None, 0, None]
    assert task.facts == {"verified_images_not_listed": 1}  # the image that two files put into two classes


def test_a_class_that_is_none(tmp_path: Path) -> None:
    noisy, clean = food101n(tmp_path)
    (noisy / "meta/imagelist.tsv").write_text("class_name/key\nfilet_mingon/aa.jpg\n")
    with refused(where=noisy / "meta/imagelist.tsv", key="filet_mingon/aa.jpg"):
        Food101N(path=str(noisy), test_path=str(clean)).load(0)
    with refused(key="Food-101, on which Food-101N is tested,"):
        Food101N(path=str(noisy), test_path=str(tmp_path / "nowhere")).load(0)


def test_an_image_cut_short_is_found_when_the_list_is_read(tmp_path: Path) -> None:
    """Not after all others were encoded; `missing: drop` is of files that are not there."""
    noisy, clean = food101n(tmp_path)
    cut = noisy / "images/filet_mignon/aa.jpg"
    cut.write_bytes(cut.read_bytes()[:200])
    with refused(where=f"image 2 of {noisy / 'meta/imagelist.tsv'}", says=f"{cut}) is no readable image"):
        Food101N(path=str(noisy), test_path=str(clean), missing="drop").load(0)
    cut.unlink()
    assert len(Food101N(path=str(noisy), test_path=str(clean), missing="drop").load(0).train) == 2


# ---- images ----


def test_every_form_of_an_image_is_read(tmp_path: Path) -> None:
    pixels = drawn(1, 0)[0][0]
    path = tmp_path / "a.png"
    path.write_bytes(encode_png(pixels))
    forms = [pixels, encode_png(pixels), str(path), path, {"bytes": encode_png(pixels), "path": None},
             {"bytes": None, "path": str(path)}, Image.fromarray(pixels)]  # fmt: skip
    for form in forms:
        assert np.array_equal(decode(form, "image 1", None), pixels)
    grey = decode(np.full((8, 8), 7, np.uint8), "image 1", None)
    assert grey.shape == (8, 8, 3) and (grey == 7).all()


def test_scaling_keeps_the_middle_and_turns_upright() -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    assert (decode(wide, "image 1", 10) == 255).all()
    picture = Image.fromarray(np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3))
    exif = picture.getexif()
    exif[0x0112] = 6  # lies on its side
    import io

    buffer = io.BytesIO()
    picture.save(buffer, format="png", exif=exif)
    assert decode(buffer.getvalue(), "image 1", None).shape == (3, 2, 3)


def test_bad_images_are_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    picture(path)
    path.write_bytes(path.read_bytes()[:200])
    with refused(where="image 2"):
        decode_all([np.zeros((4, 4, 3), np.uint8), str(path)], 4)
    with refused(key="encoder.size", row=3):
        decode_all([np.zeros((4, side, 3), np.uint8) for side in (4, 4, 5)], None)
    with refused(key="images"):
        decode_all([], 4)


def test_the_encoder_survives_its_file_and_chooses_by_memory(tmp_path: Path) -> None:
    images = [np.zeros((8, 8, 3), np.uint8)] * 3
    fitted = Pixels(size=8, crop=6, flip=True, jitter=0.2).fit(images, [], 5)
    fitted.save(tmp_path)
    again = FittedPixels.load(tmp_path)
    assert (again.size, again.in_memory, again.augmentation) == (8, None, fitted.augmentation)
    assert again.augmentation.seed == 5
    assert again.encode(images)["pixels"].shape == (3, 3, 8, 8)
    assert isinstance(Pixels(size=1024).fit(images, [], 0).encode(images * 300)["pixels"], LazyImages)
    with refused(key="encoder.size"):
        Pixels(in_memory=False).fit(images, [], 0).encode(images)
    with refused(key="encoder.crop"):
        Pixels(size=8, crop=9)
    with refused(key="encoder.crop"):
        Pixels(crop=9).fit(images, [], 0)
    (tmp_path / "encoder.json").write_text("{}")
    with refused(where=tmp_path / "encoder.json"):
        FittedPixels.load(tmp_path)
