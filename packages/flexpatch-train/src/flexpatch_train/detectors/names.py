"""Class names: from a model's own metadata, or the 80 of COCO."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from footage.errors import ModelError

# The order every COCO-trained detector of the YOLO family uses.
_COCO = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,"
    "parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,"
    "suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,"
    "tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,"
    "hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,keyboard,"
    "cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,hair drier,toothbrush"
)
COCO_80 = tuple(_COCO.split(","))

_LONGEST_METADATA = 1_000_000


def parse_names(text: str, *, where: str) -> tuple[str, ...]:
    """Read the ``names`` metadata that ultralytics exports write: ``{0: 'person', 1: 'bicycle'}`` or a list.

    The text is read as a literal and never evaluated.

    Raises:
        ModelError: not such a literal, or classes that do not count from 0.
    """
    try:
        names = ast.literal_eval(text[:_LONGEST_METADATA])
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise ModelError("the names metadata is not a list of classes", where=where) from error
    if isinstance(names, dict):
        if set(names) != set(range(len(names))):
            raise ModelError("the classes in the names metadata do not count from 0", where=where)
        names = [names[i] for i in range(len(names))]
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
        raise ModelError("the names metadata is not a list of classes", where=where)
    return tuple(names)


def default_names(class_count: int) -> tuple[str, ...]:
    """COCO's names for 80 classes, else ``class_0`` and so on."""
    return COCO_80 if class_count == len(COCO_80) else tuple(f"class_{i}" for i in range(class_count))


def wanted_ids(wanted: Sequence[str] | None, names: Sequence[str], *, where: str) -> tuple[int, ...] | None:
    """Class ids of the wanted names, in order of id; None where every class is wanted.

    Raises:
        ModelError: a name the detector does not have; those it has are listed.
    """
    if wanted is None:
        return None
    missing = [name for name in wanted if name not in names]
    if missing:
        shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise ModelError(f"no class named {', '.join(missing)}", where=where, remedy=f"the detector knows {shown}")
    return tuple(i for i, name in enumerate(names) if name in wanted)
