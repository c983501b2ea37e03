"""Examples of each command, shown at the end of its help and run by tests: the line to type, and its purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXAMPLES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "": (
        ("attune-infra doctor", "Find what would fail, before the first change"),
        ("attune-infra setup", "Create what is missing"),
        ("attune-infra verify", "Check the result"),
    ),
    "doctor": (
        ("attune-infra doctor", "Check everything"),
        ("attune-infra doctor setup", "Check the needs of one command only"),
        ("attune-infra doctor worker provision --worker 1-20", "Check the needs of a command for some workers"),
    ),
    "setup": (
        ("attune-infra setup --dry-run", "Show the changes, and make none"),
        ("attune-infra setup topology.yaml", "Create what is missing of your own topology"),
        ("attune-infra setup plan.json", "Apply exactly the plan that `diff --out` kept"),
        ("attune-infra setup --wait 60s --deadline 5m", "In a pipeline: wait for the broker, and end in time"),
        ("attune-infra setup --via amqp", "Make what AMQP can, if the management API is absent"),
        (
            "attune-infra setup --allow-destructive queue:attune.dlx.queue --yes",
            "Recreate one queue if it differs",
        ),
    ),
    "diff": (
        ("attune-infra diff", "Show what `setup` would change"),
        (
            "attune-infra diff topology.yaml --explain",
            "Say why each object of your own topology has drifted or not",
        ),
        ("attune-infra diff --out plan.json", "Keep the plan, for `setup plan.json`"),
        (
            "attune-infra diff topology.yaml --output markdown --to comment.md",
            "Write a comment for a pull request",
        ),
    ),
    "verify": (
        ("attune-infra verify --strict", "Count undeclared objects as drift too"),
        ("attune-infra verify --worker 1-20", "Check the queues, bindings and consumers of some workers too"),
        ("attune-infra verify --report junit=verify.xml", "Write the checks for the test tab of a pipeline too"),
        ("attune-infra verify --probe", "Send a message along each route, in a virtual host of its own"),
    ),
    "lint": (
        ("attune-infra lint topology.yaml", "Check a document for the newest RabbitMQ"),
        ("attune-infra lint topology.yaml --broker-version 3.13 --fail-on error", "Check it for another release"),
        (
            "attune-infra lint topology.yaml --output github --report sarif=lint.sarif",
            "Annotate a pull request, and write a file for code scanning",
        ),
        ("attune-infra lint --explain AI001", "Explain a rule"),
        ("attune-infra lint --live --ignore AI033", "Check a broker, with all rules but one"),
    ),
    "graph": (
        ("attune-infra graph --format mermaid", "Draw the topology for a Markdown page"),
        ("attune-infra graph --format dot --to topology.dot", "Draw it for Graphviz"),
        (
            "attune-infra graph --format html --group prefix --to topology.html",
            "Write a page with search, for a browser",
        ),
        ("attune-infra graph --focus attune.events.queue --depth 1", "Draw what is around one queue"),
        ("attune-infra graph --live --highlight 'attune.events event.created'", "Mark the path of a message"),
    ),
    "trace": (
        ("attune-infra trace attune.events event.created", "Follow a message through the document"),
        ("attune-infra trace attune.events event.created --live", "Follow it on the broker"),
        ("attune-infra trace attune.executions worker.1 --expect worker.1.executions", "Require where it arrives"),
    ),
    "migrate": (
        ("attune-infra migrate attune.dlx.queue --dry-run", "Show the steps, and what is not kept"),
        ("attune-infra migrate attune.dlx.queue --yes", "Change what RabbitMQ cannot, and keep every message"),
        ("attune-infra migrate attune.dlx.queue --to dead.letters --yes", "Give a queue another name"),
    ),
    "queues": (
        ("attune-infra queues", "Show every queue, those with the worst findings first"),
        ("attune-infra queues --orphans --sort idle", "Find queues that nothing uses any more"),
        ("attune-infra queues attune.events.queue", "Show one with its bindings, its policy and a message's way"),
    ),
    "queue": (
        ("attune-infra queue peek attune.dlx.queue", "Show the first messages of a queue without removing them"),
    ),
    "queue peek": (
        ("attune-infra queue peek attune.dlx.queue", "Show the first messages of a queue"),
        (
            "attune-infra queue peek attune.dlx.queue --where reason=rejected --where routing-key=worker.#",
            "Show those that died for a reason, by their routing key",
        ),
        ("attune-infra queue peek attune.dlx.queue --save dead.jsonl", "Save all of them in a file"),
    ),
    "queue move": (
        (
            "attune-infra queue move attune.dlx.queue attune.events.queue --limit 10 --yes",
            "Move the first messages",
        ),
    ),
    "queue copy": (
        (
            "attune-infra queue copy attune.dlx.queue attune.events.queue --yes",
            "Copy messages, such as into a test",
        ),
    ),
    "queue load": (
        ("attune-infra queue load messages.jsonl attune.dlx.queue", "Put saved messages into a queue"),
        (
            "attune-infra queue load messages.jsonl --exchange attune.events --from-line 2",
            "Publish them to an exchange, from the second line on",
        ),
    ),
    "queue purge": (("attune-infra queue purge attune.dlx.queue --yes", "Empty a queue"),),
    "dlq": (("attune-infra dlq list", "Show each dead letter queue, and the reasons of its messages"),),
    "dlq list": (("attune-infra dlq list", "Show each dead letter queue, and the reasons of its messages"),),
    "dlq show": (
        ("attune-infra dlq show attune.dlx.queue", "Show the first messages, with all of their deaths"),
        ("attune-infra dlq show attune.dlx.queue --where reason=rejected", "Show those that a consumer rejected"),
    ),
    "dlq replay": (
        (
            "attune-infra dlq replay attune.dlx.queue --dry-run",
            "Show the messages, and the queues they would go to",
        ),
        (
            "attune-infra dlq replay attune.dlx.queue --where reason=expired --limit 100 --yes",
            "Send some of those that expired back to where they came from",
        ),
        (
            "attune-infra dlq replay attune.dlx.queue --to attune.events.queue --yes",
            "Send all of them to one queue",
        ),
    ),
    "watch": (("attune-infra watch --filter attune --sort ready", "Show some queues live, the longest first"),),
    "tap": (
        ("attune-infra tap attune.events", "See all messages that pass an exchange, until Ctrl-C"),
        ("attune-infra tap attune.events 'event.#' --for 30s --save seen.jsonl", "Keep those of half a minute"),
        ("attune-infra tap attune.events --only-routed --count 10 -o json", "See ten, and disturb no publisher"),
    ),
    "export": (
        ("attune-infra export --to broker.yaml", "Save the virtual host as a document"),
        ("attune-infra export --users --to broker.yaml", "Save it with the users and their permissions"),
        ("attune-infra export --format definitions --to broker.json", "Save it as RabbitMQ's definitions"),
        (
            "attune-infra export --format kubernetes --cluster-reference main --to broker.yaml",
            "Save it as resources of the topology operator",
        ),
        (
            "attune-infra export --format terraform --to main.tf",
            "Save it for Terraform, with blocks that import it",
        ),
    ),
    "import": (
        ("attune-infra import broker.json", "Turn RabbitMQ's definitions into a document"),
        ("attune-infra import resources.yaml", "The same with resources of the topology operator for Kubernetes"),
        ("attune-infra import broker.json --to-quorum --strip-policies", "The same, for a newer RabbitMQ"),
    ),
    "topology": (
        ("attune-infra topology show", "Print the built-in document, as a start for your own"),
        ("attune-infra topology check topology.yaml", "Check your own"),
    ),
    "topology check": (
        ("attune-infra topology check topology.yaml other.yaml", "Check documents and run their routes"),
    ),
    "topology show": (("attune-infra topology show", "Print the built-in document, as a start for your own"),),
    "topology schema": (("attune-infra topology schema", "Print the JSON Schema, for an editor"),),
    "worker": (
        ("attune-infra worker enlist --name worker-a", "Register a worker and provision its queue"),
        ("attune-infra worker list", "Show all workers"),
    ),
    "worker list": (("attune-infra worker list --id 1-20", "Show some workers"),),
    "worker verify": (("attune-infra worker verify --all --settle 0", "Check all workers, without waiting"),),
    "worker watch": (("attune-infra worker watch --only-wrong", "Show the workers with findings, live"),),
    "worker register": (
        ("attune-infra worker register --name worker-a", "Insert a worker, and print its id"),
        ("attune-infra worker register --count 20 --name-pattern 'node-{n}'", "Insert node-1 to node-20 at once"),
        (
            "attune-infra worker register --capability 'runtimes=[\"python\"]'",
            "Register this host, with a capability",
        ),
    ),
    "worker provision": (
        ("attune-infra worker provision --id 1", "Declare the queue of a worker"),
        ("attune-infra worker provision --all --dry-run", "Show what all active workers lack"),
    ),
    "worker enlist": (
        ("attune-infra worker enlist --name worker-a", "Register and provision, both or neither"),
        ("attune-infra worker enlist --count 20 --name-pattern 'node-{n}'", "Register 20 at once, then provision"),
    ),
    "worker deregister": (("attune-infra worker deregister --name worker-a", "Set a worker inactive"),),
    "worker deprovision": (("attune-infra worker deprovision --id 1 --yes", "Delete the queues of a worker"),),
    "worker prune": (
        ("attune-infra worker prune --dry-run", "Show the queues that dead workers left"),
        ("attune-infra worker prune --yes", "Delete them, without a question"),
    ),
    "worker run": (
        ("attune-infra worker run --name worker-a --exec cat", "Print each message"),
        ("attune-infra worker run --prefetch 1 --exec 'sh -c \"sleep 1\"'", "Take one message at a time"),
        ("attune-infra worker run --exec cat --handler-timeout 5m --max-attempts 3", "End what hangs or kills"),
    ),
    "worker dispatch": (
        ("attune-infra worker dispatch --id 1", "Send a message to a worker"),
        ('attune-infra worker dispatch --id 1 --body \'{"action": "ping"}\'', "Send a message of your own"),
    ),
    "metrics": (
        ("attune-infra metrics", "Print the metrics once"),
        ("attune-infra metrics --listen 127.0.0.1:9471", "Serve them to Prometheus"),
        ("attune-infra metrics --rules --to alerts.yml", "Write alert rules for the topology"),
    ),
    "connections": (("attune-infra connections", "List the named connections, and try each"),),
    "registry": (("attune-infra registry init", "Create the table of workers, if it is missing"),),
    "registry init": (("attune-infra registry init", "Create the table of workers, if it is missing"),),
    "completion": (
        ("source <(attune-infra completion bash)", "Complete in this bash; in ~/.bashrc, in each"),
        ("source <(attune-infra completion zsh)", "Complete in this zsh; in ~/.zshrc behind compinit, in each"),
        ("attune-infra completion fish | source", "Complete in this fish; in ~/.config/fish/config.fish, in each"),
    ),
    "help": (
        ("attune-infra help worker provision", "Show the help of a command"),
        ("attune-infra help connection", "Show the options that name the broker and the registry"),
    ),
    "schemas": (
        ("attune-infra schemas", "List all schemas"),
        ("attune-infra schemas verify --to verify.schema.json", "Keep the schema of the JSON of `verify`"),
        ("attune-infra schemas error", "Print the schema of a failed command's JSON"),
    ),
    "sandbox": (
        ("attune-infra sandbox run -- attune-infra setup", "Try a command on a broker that ends with it"),
        (
            'attune-infra sandbox up && eval "$(attune-infra sandbox env)"',
            "Start a sandbox, and use it in this shell",
        ),
    ),
    "sandbox up": (
        ("attune-infra sandbox up --name trial", "Start a sandbox; it runs until `sandbox down`"),
        ("attune-infra sandbox up --name three --no-postgres --nodes 3", "Start a cluster"),
    ),
    "sandbox down": (("attune-infra sandbox down --name trial", "Stop it, and remove its data"),),
    "sandbox status": (("attune-infra sandbox status --name trial", "Show the running sandboxes"),),
    "sandbox env": (('eval "$(attune-infra sandbox env --name trial)"', "Use a sandbox in this shell"),),
    "sandbox run": (
        ("attune-infra sandbox run -- attune-infra setup", "Try a command on a broker that ends with it"),
        (
            "attune-infra sandbox run --no-postgres -- bash -c 'attune-infra setup && attune-infra verify'",
            "Try two",
        ),
    ),
}
