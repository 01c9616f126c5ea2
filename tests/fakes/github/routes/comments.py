"""Comments on issues and pull requests, and reactions to them.

An App that may write may change and remove anybody's comment: GitHub's documentation asks for the permission
and names no author, https://docs.github.com/rest/issues/comments#update-an-issue-comment. What it did to a
comment that is not its own stands in `Comment.edited_by`.
"""

from tests.fakes.github.access import read, write
from tests.fakes.github.answers import Answer, failed_validation, invalid, not_found, refusal
from tests.fakes.github.check_rules import read_time
from tests.fakes.github.comments import Comment, Reaction
from tests.fakes.github.routing import Exchange, Route
from tests.fakes.github.views import comments as views
from tests.fakes.github.views.comments import REACTIONS

MAX_BODY = 65_536


def create(exchange: Exchange) -> Answer:
    number = _number(exchange)
    comment = exchange.repository.comment(number, _body(exchange), author=_author(exchange), app=exchange.app)
    shown = views.comment(comment, exchange.repository)
    return Answer(201, shown, {"location": shown["url"]})


def listed(exchange: Exchange) -> Answer:
    """The oldest first; `since` asks for those that were written or changed from then on."""
    since = exchange.query.get("since")
    since = since and read_time("since", since)
    found = exchange.repository.comments_on(_number(exchange))
    page, headers = exchange.page([each for each in found if not since or each.updated_at >= since])
    return Answer(200, [views.comment(comment, exchange.repository) for comment in page], headers)


def show(exchange: Exchange) -> Answer:
    return Answer(200, views.comment(_comment(exchange), exchange.repository))


def change(exchange: Exchange) -> Answer:
    comment = _comment(exchange)
    comment.edit(_body(exchange), by=exchange.app.bot)
    return Answer(200, views.comment(comment, exchange.repository))


def remove(exchange: Exchange) -> Answer:
    _comment(exchange).delete(by=exchange.app.bot)
    return Answer(204)


def react(exchange: Exchange) -> Answer:
    comment = _comment(exchange)
    content = exchange.body.get("content")
    if content not in REACTIONS:
        raise failed_validation("Reaction", "content", f"content is one of {', '.join(REACTIONS)}")
    author = _author(exchange)
    for reaction in comment.reactions:
        if (reaction.content, reaction.author) == (content, author):
            return Answer(200, views.reaction(reaction, exchange.repository))
    reaction = Reaction(exchange.world.next_id("reaction"), content, author, exchange.world.clock.stamp())
    comment.reactions.append(reaction)
    return Answer(201, views.reaction(reaction, exchange.repository))


def reactions(exchange: Exchange) -> Answer:
    wanted = exchange.query.get("content")
    found = [each for each in _comment(exchange).reactions if wanted in {None, each.content}]
    page, headers = exchange.page(found)
    return Answer(200, [views.reaction(each, exchange.repository) for each in page], headers)


def withdraw(exchange: Exchange) -> Answer:
    """Takes a reaction back. Ours, because sources are silent: one's own only."""
    comment, identity = _comment(exchange), exchange.number("reaction_id")
    found = next((each for each in comment.reactions if each.id == identity), None)
    if found is None:
        raise not_found()
    if found.author != _author(exchange):
        raise refusal(403, "Resource not accessible by integration")
    comment.reactions.remove(found)
    return Answer(204)


def _author(exchange: Exchange) -> str:
    return exchange.world.account(exchange.app.bot).login


def _number(exchange: Exchange) -> int:
    number = exchange.number("issue_number")
    if exchange.repository.topic(number) is None:
        raise not_found()
    return number


def _comment(exchange: Exchange) -> Comment:
    comment = exchange.repository.comments.get(exchange.number("comment_id"))
    if comment is None:
        raise not_found()
    return comment


def _body(exchange: Exchange) -> str:
    body = exchange.body.get("body")
    if not isinstance(body, str):
        raise invalid(
            '"body" wasn\'t supplied.' if body is None else "For 'properties/body', it is not a string."
        )
    if not body.strip():
        raise failed_validation("IssueComment", "body", "body can't be blank")
    if len(body) > MAX_BODY:
        raise failed_validation(
            "IssueComment", "body", f"body is too long (maximum is {MAX_BODY} characters)"
        )
    return body


ISSUES = "/repos/{owner}/{repo}/issues"
OF_NUMBER = f"{ISSUES}/{{issue_number}}/comments"
COMMENT = f"{ISSUES}/comments/{{comment_id}}"
EITHER = ("issues", "pull_requests")
ROUTES = (
    Route("POST", OF_NUMBER, write(*EITHER), create),
    Route("GET", OF_NUMBER, read(*EITHER), listed),
    Route("GET", COMMENT, read(*EITHER), show),
    Route("PATCH", COMMENT, write(*EITHER), change),
    Route("DELETE", COMMENT, write(*EITHER), remove),
    Route("POST", f"{COMMENT}/reactions", write(*EITHER), react),
    Route("GET", f"{COMMENT}/reactions", read(*EITHER), reactions),
    Route("DELETE", f"{COMMENT}/reactions/{{reaction_id}}", write(*EITHER), withdraw),
)
