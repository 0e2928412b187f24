package main

// manifest is krew's description of a plugin, with krew's field names.
type manifest struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       spec     `json:"spec"`
}

type metadata struct {
	Name string `json:"name"`
}

type spec struct {
	Version          string     `json:"version"`
	ShortDescription string     `json:"shortDescription"`
	Description      string     `json:"description"`
	Caveats          string     `json:"caveats"`
	Homepage         string     `json:"homepage"`
	Platforms        []platform `json:"platforms"`
}

type platform struct {
	URI      string   `json:"uri"`
	SHA256   string   `json:"sha256"`
	Bin      string   `json:"bin"`
	Selector selector `json:"selector"`
}

type selector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

func newManifest(version string) manifest {
	return manifest{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2", Kind: "Plugin", Metadata: metadata{Name: "sesi"},
		Spec: spec{
			Version:          version,
			ShortDescription: "See and steer WhatsApp sessions",
			Homepage:         "https://sesi.dev",
			Description: `Lists the WhatsAppSessions of the Sesi operator, those that need a person first; shows the QR code in the
terminal until the phone has scanned it; links by phone number; backs up and restores, suspends and
resumes, unlinks and clears sessions; and says what is wrong with one and what to do. All of it goes
through the API server.
`,
			Caveats: `Needs the Sesi operator in the cluster. Linking, backup and doctor need the rights to forward ports to pods
and, for a backup, to read the session's Secret: the ClusterRole edit has them.
`,
		},
	}
}
