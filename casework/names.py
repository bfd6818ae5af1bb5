"""What kinds, states, steps and levels are called where a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from casework.ticket import Kind, Level, State

NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "zh": {
        Kind.MEMO: "备忘录", Kind.REPAIR: "报修", Kind.EMERGENCY: "抢修", Kind.COMPLAINT: "投诉", Kind.SURVEY: "勘察",
        State.DRAFT: "草稿", State.OPENED: "已建单", State.APPOINTED: "已约单", State.DISPATCHED: "已派单",
        State.ACKNOWLEDGED: "已接单", State.UNDER_WAY: "处理中", State.BOUNCED: "已退单", State.DONE: "已完成",
        State.VISIT_DUE: "待回访", State.VISITED: "已回访", State.REOPENED: "重新打开", State.CLOSED: "已关闭",
        State.CANCELLED: "已取消",
        Level.AGENT: "坐席", Level.HANDLER: "投诉处理席", Level.LEAD: "班长", Level.SUPERVISOR: "主管",
        "open": "建单", "appoint": "约单", "dispatch": "派单", "acknowledge": "接单", "start": "开工", "bounce": "退单",
        "escalate": "升级", "finish": "完成", "order-visit": "安排回访", "visit": "回访", "close": "关闭",
        "reopen": "重新打开", "cancel": "取消", "correct": "更正", "note": "备注", "attach": "并入抢修",
        "detach": "移出抢修", "unanswered": "超时未接单", "overdue": "超时未完成", "reveal": "查看隐私信息",
    },
    "en": {
        Kind.MEMO: "memo", Kind.REPAIR: "repair", Kind.EMERGENCY: "emergency repair", Kind.COMPLAINT: "complaint",
        Kind.SURVEY: "survey",
        State.UNDER_WAY: "under way", State.VISIT_DUE: "visit due", "order-visit": "order a visit",
        "unanswered": "not acknowledged in time", "overdue": "not done in time", "reveal": "looked at",
    },
}  # fmt: skip
"""A word that is not here is its own name."""


def name_of(word: str, language: str) -> str:
    """Return what this kind, state, step or level is called in `zh` or `en`."""
    return NAMES.get(language, {}).get(word, str(word))
