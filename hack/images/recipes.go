package main

// recipe describes one image.
type recipe struct {
	name        string // of the image's archive
	repository  string // last part of the image's name; default: the name
	tagSuffix   string // behind the version in the tag
	title       string // one sentence for the label
	source      string // Go package of the program; empty where it is built elsewhere
	tags        string // build tags
	program     string // where the program is in the image, and what the image runs
	bare        bool   // without certificates, time zones and users
	shell       bool   // with busybox and a link for each of its commands
	data        string // folder that the program may write to, and starts in
	env         string // one more variable
	description string
}

// nobody is the user and group of every image.
const nobody = 65532

// botTags leave HTTP/2 out of the bot, which does not use it: its server offers only HTTP/1.1, and WhatsApp's
// websocket does not use HTTP/2 either.
const botTags = "nethttpomithttp2"

// botEnv is also set by the bot. Set before it starts, it saves another 0.2 MB, because Go's runtime then never creates
// what the other processors would need.
const botEnv = "GOMAXPROCS=1"

var recipes = []recipe{
	{
		name: "operator", source: "./cmd/operator", program: "operator",
		title:       "Sesi operator",
		description: "Runs one bot pod per WhatsAppSession and mirrors its state into the resource.",
	},
	{
		name: "gateway", source: "./cmd/gateway", program: "gateway",
		title:       "Sesi gateway",
		description: "Serves the bots of all WhatsAppSessions at one address, and the desk.",
	},
	{
		name: "bot", source: "./cmd/bot", tags: botTags, program: "bot", data: "data", env: botEnv,
		title:       "Sesi bot",
		description: "Keeps one WhatsApp linked-device session and serves its session API.",
	},
	{
		name: "bot-simulator", repository: "bot", tagSuffix: "-simulator", source: "./cmd/bot", tags: botTags + ",simulator", program: "bot", data: "data", env: botEnv,
		title:       "Sesi bot for the simulator",
		description: "The bot for tests and demonstrations: it can be told to trust a simulated WhatsApp. Never for real sessions.",
	},
	{
		name: "finance-bot", source: "./examples/finance-bot", program: "finance-bot", data: "data",
		title:       "Sesi finance-bot",
		description: "An example of a user's program: it books what people write, and answers.",
	},
	{
		name: "wasim", source: "./test/wasim/cmd/wasim", program: "wasim",
		title:       "Sesi wasim",
		description: "A simulated WhatsApp server for tests and demonstrations.",
	},
	{
		name: "pause", source: "./hack/cluster/cmd/pause", program: "pause", bare: true,
		title:       "Sesi pause",
		description: "The first process of a pod sandbox in the project's own cluster.",
	},
	{
		name: "toolbox", source: "./hack/cluster/cmd/toolbox", program: "bin/toolbox", shell: true,
		title:       "Sesi toolbox",
		description: "A shell and a tiny HTTP server and client for tests in the project's own cluster.",
	},
	{
		name: "coredns", program: "coredns",
		title:       "CoreDNS",
		description: "The name server of the project's own cluster.",
	},
}
