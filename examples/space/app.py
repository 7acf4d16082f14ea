"""Where a vision-language model looks for a phrase: a page for a hosted demonstration, in Gradio."""

import gradio as gr

import vlmscope as vs

model = vs.load("tiny-llava")


def look(image, phrase):
    grounding = vs.ground(model, image, phrase)
    return grounding.overlay(), grounding.view(side=900).inline(fallback="")


inputs = [gr.Image(type="pil", label="Image"), gr.Textbox(label="Phrase")]
outputs = [gr.Image(label="Where it looks"), gr.HTML(label="In the viewer")]
page = gr.Interface(look, inputs, outputs, title="Where does it look?", flagging_mode="never")

if __name__ == "__main__":
    page.launch(show_error=True)
