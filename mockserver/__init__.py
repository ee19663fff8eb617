"""A mock LLM provider: canned answers, SSE streams and error codes, as three vendors really send them.

One idea carries it: whatever the client will hear is a value, an `Answer` (`wire.answer`). Everything is decided
before the first byte, in one line (`chat.Line.answer`), and one small module plays it (`wire.playback`):

    request -> call.read -> matching.pick -> demand.read -> trouble.roll -> gate.admit -> completion.render -> playback
                   any ApiError -----> vendor.refuse(error) -> an Answer, and the line goes on

What is asked, decided and heard is kept by `session.journal`.

The house. A room imports only from the rooms below it, and in a room a module only from those to its right.

    __main__        python -m mockserver
    cli             the commands
    healthcheck     whether a server is ready
    pytest_plugin   the `mockserver` fixture and marker
    testing         MockServer: one server on a thread
    remote          a server seen from outside, and its sessions
    spending        its accounts, and what was spent
    link            its control API, asked over HTTP
    access          how a client reaches one of its vendors
    seen            one request, as a test sees it afterwards
    keywords        a fixture's words as keyword arguments
    words           what the commands say to a person
    log             the line that is logged of each request
    app             the composition root; the route table is the table of contents
    demo            a few clients, so that the page has something to show
    server          uvicorn, taught to hand the transport over and to stop at once
    breath          a whole answer in one write
    uvicorn_internals  the parts of uvicorn that are not its public interface
    control/        who steers it?               admin door window openapi guard verify replay desk
    control/        ... in which words?          accounts metrics feed inventory views explain raises intake refusal
    chat            the line
    reply/          what should be said?         listing completion moulds chance templated improvise
    reply/          ... and what does it cost?   cashier passbook bill said tokens picture vocabulary
    session/        who is asking, and heard?    till gate bank rules issues trouble demand store tally journal
    session/        ... and what is left?        clock purse window
    shelf/          what did the user write?     watch reach library matching index template sandbox fixture
    shelf/          ... in which words?          rule response account fault match operators condition clue
    call            one client request, read once
    reading         ... what its bytes say
    origin          ... and what follows from its head alone
    vendors/        what would the vendor do?    directory vendor refusals header catalogue price
    vendors/        ... in which words?          profile blanks lookup model parameter overlay spelling form ids
    invention/      what when nobody wrote it?   invent prompted prose voice choosing
    invention/      ... and by which schema?     specimen agreement hint likeness lexicon conformity pattern schema
    settings        flags, then the environment, then defaults
    wire/           what is heard, and when?     playback faults gateway strike frames sse stencil answer lines
    record          shapes made of shapes
    shape           what a person may write, as a value
    document        strict YAML that knows where everything stands
    scalars         ... and what a word in it is
    duration        1.5s
    money           $0.001
    notes           what follows from a thing, found out once
    value           what nothing changes, and what is made without delay
    errors          ApiError and its kinds; InputError: what was found, expected, where
"""

__version__ = "0.1.0"
