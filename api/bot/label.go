package bot

// The paths of labels, which the WhatsApp Business app puts at chats. {id} is a label, {chat} the id of a chat.
const (
	// PathLabels answers with Labels, and takes a LabelRequest, which it answers with a Label.
	PathLabels = "/api/labels"
	// PathLabel takes a LabelRequest with PUT; DELETE removes the label. Both answer with a Label.
	PathLabel = "/api/labels/{id}"
	// PathLabelChats answers with LabelChats.
	PathLabelChats = "/api/labels/{id}/chats"
	// PathChatLabels answers with Labels; PUT takes a ChatLabelsRequest.
	PathChatLabels = "/api/chats/{chat}/labels"
)

// LabelColors are WhatsApp's colors for labels, by their number.
var LabelColors = []string{
	"#ff9485", "#64c4ff", "#ffd429", "#dfaef0", "#99b6c1", "#55ccb3", "#ff9dff", "#d3a91d", "#6d7cce", "#d7e752",
	"#00d0e2", "#ffc5c7", "#93ceac", "#f74848", "#00a0f2", "#83e422", "#ffaf04", "#b5ebff", "#9ba6ff", "#9368cf",
}

// MakeLabel is a label with the text of its color; that is black for a number that WhatsApp does not have today.
func MakeLabel(id, name string, color int) Label {
	l := Label{ID: id, Name: name, Color: color, ColorHex: "#000000"}
	if color >= 0 && color < len(LabelColors) {
		l.ColorHex = LabelColors[color]
	}
	return l
}

// Label is a label of the account.
type Label struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Color is the number of the color in WhatsApp's list.
	Color int `json:"color"`
	// ColorHex is the color itself, such as #ff9485. It is missing where only the label's id is known.
	ColorHex string `json:"colorHex,omitempty"`
}

// Labels answers GET /api/labels and the labels of a chat.
type Labels struct {
	Labels []Label `json:"labels"`
}

// LabelRequest makes a label, or changes one.
type LabelRequest struct {
	Name string `json:"name" required:"true" minLength:"1" maxLength:"100"`
	// Color is the number of the color in WhatsApp's list.
	Color int `json:"color,omitempty" minimum:"0" maximum:"19"`
}

// LabelChats are the chats that have a label.
type LabelChats struct {
	Chats []Party `json:"chats"`
}

// ChatLabelsRequest gives a chat these labels, and takes all others away.
type ChatLabelsRequest struct {
	// Labels are ids of labels.
	Labels []string `json:"labels" required:"true" maxItems:"100"`
}

// LabelEvent says how a label changed.
type LabelEvent string

// The changes of labels.
const (
	// LabelSaved: a label was made, or has another name or color.
	LabelSaved LabelEvent = "saved"
	// LabelDeleted: a label is gone. Its name and color may be missing.
	LabelDeleted LabelEvent = "deleted"
	// LabelAdded and LabelRemoved: a chat has the label now, or no longer. Only the label's id is known.
	LabelAdded   LabelEvent = "added"
	LabelRemoved LabelEvent = "removed"
)

// LabelChange is one change of a label, on any device of the account.
type LabelChange struct {
	Change LabelEvent `json:"change"`
	Label  Label      `json:"label"`
	// Chat belongs to added and removed.
	Chat *Party `json:"chat,omitempty"`
	At   Time   `json:"at"`
}
