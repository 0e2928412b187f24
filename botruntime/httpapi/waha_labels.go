package httpapi

import (
	"context"
	"net/http"

	"sesi.dev/sesi/api/bot"
	"sesi.dev/sesi/botruntime/waha"
)

func wahaLabelRoutes() []route {
	return []route{
		{"GET", bot.PathWAHALabels, withToken, inSession((*call).wahaLabels)},
		{"POST", bot.PathWAHALabels, withToken, inSession((*call).wahaMakeLabel)},
		{"PUT", bot.PathWAHALabel, withToken, inSession((*call).wahaChangeLabel)},
		{"DELETE", bot.PathWAHALabel, withToken, inSession((*call).wahaDeleteLabel)},
		{"GET", bot.PathWAHALabelChats, withToken, inSession((*call).wahaLabelChats)},
		{"GET", bot.PathWAHAChatLabels, withToken, inSession((*call).wahaChatLabels)},
		{"PUT", bot.PathWAHAChatLabels, withToken, inSession((*call).wahaSetChatLabels)},
	}
}

func (c *call) wahaLabels() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		found, err := d.Labels(ctx)
		return waha.Labels(found), err
	})
}

func (c *call) wahaMakeLabel() error { return c.wahaSaveLabel(http.StatusCreated, "") }

func (c *call) wahaChangeLabel() error { return c.wahaSaveLabel(http.StatusOK, c.id()) }

func (c *call) wahaSaveLabel(status int, id string) error {
	var asked bot.WAHALabelBody
	if err := c.wahaRead(&asked); err != nil {
		return err
	}
	request := bot.LabelRequest{Name: asked.Name}
	switch color, ok := waha.Color(asked.ColorHex); {
	case asked.Color != nil:
		request.Color = *asked.Color
	case asked.ColorHex != "" && !ok:
		return badParameter("colorHex", "one of WhatsApp's colors for labels, such as #ff9485")
	default:
		request.Color = color
	}
	if _, err := c.wahaWorking(); err != nil {
		return err
	}
	return c.withDirectory(status, func(ctx context.Context, d Directory) (any, error) {
		saved, err := d.SaveLabel(ctx, id, request)
		return waha.Label(saved), err
	})
}

func (c *call) wahaDeleteLabel() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		_, err := d.DeleteLabel(ctx, id)
		return wahaDone, err
	})
}

// wahaLabelChats lists the ids of the chats that have a label.
func (c *call) wahaLabelChats() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, id string) (any, error) {
		chats, err := d.LabelChats(ctx, id)
		out := []bot.WAHAChatID{}
		for _, chat := range chats {
			out = append(out, bot.WAHAChatID{ID: waha.ChatID(chat.ID)})
		}
		return out, err
	})
}

func (c *call) wahaChatLabels() error {
	return c.wahaDirectory(func(ctx context.Context, d Directory, _ string) (any, error) {
		found, err := d.ChatLabels(ctx, c.r.PathValue("chat"))
		return waha.Labels(found), err
	})
}

func (c *call) wahaSetChatLabels() error {
	return wahaChange(c, func(ctx context.Context, d Directory, _ string, asked bot.WAHASetLabels) (any, error) {
		ids := []string{}
		for _, label := range asked.Labels {
			ids = append(ids, label.ID)
		}
		_, err := d.SetChatLabels(ctx, c.r.PathValue("chat"), ids)
		return wahaDone, err
	})
}
