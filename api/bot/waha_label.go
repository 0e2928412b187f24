package bot

// The paths of WAHA's API about labels. {id} is a label.
const (
	PathWAHALabels     = "/api/{name}/labels"
	PathWAHALabel      = "/api/{name}/labels/{id}"
	PathWAHALabelChats = "/api/{name}/labels/{id}/chats"
	PathWAHAChatLabels = "/api/{name}/labels/chats/{chat}"
)

// WAHALabel is a label.
type WAHALabel struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Color    int    `json:"color"`
	ColorHex string `json:"colorHex"`
}

// WAHALabelBody makes a label, or changes one. Without a color it has the first of WhatsApp's list.
type WAHALabelBody struct {
	Name     string `json:"name" required:"true"`
	ColorHex string `json:"colorHex,omitempty" example:"#ff9485"`
	// Color is the number of the color in WhatsApp's list. It counts before ColorHex.
	Color *int `json:"color,omitempty"`
}

// WAHALabelID names a label.
type WAHALabelID struct {
	ID string `json:"id" required:"true"`
}

// WAHASetLabels gives a chat these labels, and takes all others away.
type WAHASetLabels struct {
	Labels []WAHALabelID `json:"labels" required:"true"`
}

// WAHAChatID names a chat.
type WAHAChatID struct {
	ID string `json:"id"`
}

// WAHALabelChat is the payload of label.chat.added and label.chat.deleted.
type WAHALabelChat struct {
	LabelID string `json:"labelId"`
	ChatID  string `json:"chatId"`
	// Label is null: the event names the label only.
	Label *WAHALabel `json:"label"`
}
