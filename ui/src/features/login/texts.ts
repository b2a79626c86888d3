import { addTexts } from "@/i18n";

addTexts("login", {
  en: {
    title: "Log in",
    again: "Your session has ended. Log in to go on where you were.",
    user: "User",
    password: "Password",
    enter: "Log in",
    wrong: "User or password is wrong",
    change: "Choose a password",
    "change.must": "This password was given to you. Choose your own, and everything else opens.",
    current: "Current password",
    new: "New password",
    repeat: "New password again",
    differs: "The two are not the same",
    changed: "The password is changed",
  },
  "zh-CN": {
    title: "登录",
    again: "会话已结束。请重新登录，继续刚才的工作。",
    user: "用户名",
    password: "密码",
    enter: "登录",
    wrong: "用户名或密码错误",
    change: "设置密码",
    "change.must": "这是初始密码。请设置自己的密码，之后即可使用全部功能。",
    current: "当前密码",
    new: "新密码",
    repeat: "再次输入新密码",
    differs: "两次输入不一致",
    changed: "密码已修改",
  },
});
